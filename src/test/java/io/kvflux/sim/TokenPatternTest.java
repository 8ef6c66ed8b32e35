package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TokenPatternTest {

    private static byte[] bytes(int length, int cache, int shard, int... tokens) {
        long value = TokenPattern.START;
        for (int token : tokens) {
            value = TokenPattern.next(value, token);
        }
        byte[] bytes = new byte[length + 2];
        TokenPattern.fill(bytes, 1, length, value, cache, shard);
        assertThat(bytes[0]).as("before").isZero();
        assertThat(bytes[length + 1]).as("after").isZero();
        return Arrays.copyOfRange(bytes, 1, length + 1);
    }

    @Test
    void anotherTokenBeforeGivesOtherBytes() {
        assertThat(bytes(13, 0, 0, 1, 2, 3)).isEqualTo(bytes(13, 0, 0, 1, 2, 3));
        Set<String> all = new HashSet<>();
        int[][] prefixes = {{}, {0}, {0, 0}, {1}, {2}, {1, 2, 3}, {3, 2, 1}, {2, 2, 3}, {1, 2}, {2, 3}};
        for (int[] prefix : prefixes) {
            all.add(Arrays.toString(bytes(13, 0, 0, prefix)));
        }
        assertThat(all).hasSize(prefixes.length);
    }

    @Test
    void cachesAndShardsDiffer() {
        Set<String> all = new HashSet<>();
        for (int cache = 0; cache < 3; cache++) {
            for (int shard = 0; shard < 3; shard++) {
                all.add(Arrays.toString(bytes(8, cache, shard, 7)));
            }
        }
        assertThat(all).hasSize(9);
    }

    @Test
    void theWordsOfATokenDiffer() {
        byte[] bytes = bytes(8 * 100, 0, 0, 7);
        Set<String> words = new HashSet<>();
        for (int i = 0; i < bytes.length; i += 8) {
            words.add(Arrays.toString(Arrays.copyOfRange(bytes, i, i + 8)));
        }
        assertThat(words).hasSize(100);
        assertThat(bytes(3, 0, 0, 7)).as("a short one begins alike").isEqualTo(Arrays.copyOf(bytes, 3));
    }
}
