package io.kvflux.tier;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.block.PrefixScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random prefixes that come and go, against a map from a prefix's text to its number. */
class ContentIndexTest {

    private static final int OPERATIONS = 200_000;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void equalContentHasEqualNumbersForAsLongAsSomebodyRefersToIt(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int pageSize = 1 + random.nextInt(3);
        ContentIndex index = new ContentIndex(pageSize);
        Map<String, Integer> numbers = new HashMap<>();
        List<Integer> retained = new ArrayList<>();
        List<String> paths = new ArrayList<>();
        for (int i = 0; i < OPERATIONS; i++) {
            if (random.nextInt(100) < (retained.size() < 500 ? 60 : 40)) {
                String path = enter(random, pageSize, index, numbers, retained);
                paths.add(path);
            } else if (!retained.isEmpty()) {
                int at = random.nextInt(retained.size());
                index.release(retained.remove(at));
                String path = paths.remove(at);
                forgetUnused(path, paths, numbers);
            }
            if (i % 1_000 == 0) {
                index.verify();
            }
        }
        retained.forEach(index::release);
        index.verify();
        assertThat(index.size()).isZero();
        System.out.println("ContentIndexTest seed=" + seed + " pages known at most " + index.bound());
    }

    private static String enter(
            SplittableRandom random,
            int pageSize,
            ContentIndex index,
            Map<String, Integer> numbers,
            List<Integer> retained) {
        PrefixScope scope = random.nextInt(4) == 0 ? new PrefixScope("salt", null) : PrefixScope.NONE;
        int[] tokens =
                random.ints((1 + random.nextInt(6)) * (long) pageSize, 0, 3).toArray();
        String path = scope.toString();
        int page = index.root(scope);
        for (int from = 0; from < tokens.length; from += pageSize) {
            Object key = random.nextInt(5) == 0 ? "image" : null;
            path += "/" + key;
            for (int j = 0; j < pageSize; j++) {
                path += "," + tokens[from + j];
            }
            int found = index.find(page, tokens, from, key);
            Integer known = numbers.get(path);
            assertThat(found).as(path).isEqualTo(known == null ? ContentIndex.NONE : known);
            page = index.enter(page, tokens, from, key);
            numbers.put(path, page);
        }
        index.retain(page);
        retained.add(page);
        return path;
    }

    private static void forgetUnused(String path, List<String> paths, Map<String, Integer> numbers) {
        String prefix = path;
        while (prefix.indexOf('/') >= 0) {
            String now = prefix;
            if (paths.stream().anyMatch(other -> other.equals(now) || other.startsWith(now + "/"))) {
                return;
            }
            numbers.remove(prefix);
            prefix = prefix.substring(0, prefix.lastIndexOf('/'));
        }
    }
}
