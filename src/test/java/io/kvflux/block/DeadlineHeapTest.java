package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeadlineHeapTest {

    private final DeadlineHeap heap = new DeadlineHeap();

    @Test
    void nothingIsDueInAnEmptyOne() {
        assertThat(heap.due(Long.MAX_VALUE)).isEqualTo(Runs.NONE);
        heap.remove(1);
        heap.remove(1_000_000);
        assertThat(heap.due(Long.MAX_VALUE)).isEqualTo(Runs.NONE);
    }

    @Test
    void aRunIsDueFromItsTimeOn() {
        heap.add(7, 50);
        assertThat(heap.due(49)).isEqualTo(Runs.NONE);
        assertThat(heap.due(50)).isEqualTo(7);
        assertThat(heap.due(51)).as("until it is removed").isEqualTo(7);
        heap.remove(7);
        assertThat(heap.due(51)).isEqualTo(Runs.NONE);
        heap.remove(7);
        heap.add(7, 60);
        assertThat(heap.due(59)).isEqualTo(Runs.NONE);
        assertThat(heap.due(60)).isEqualTo(7);
    }

    @Test
    void timesMayBeTheFirstAndTheLastThereAre() {
        heap.add(1, Long.MAX_VALUE);
        heap.add(2, Long.MIN_VALUE);
        heap.add(3, 0);
        assertThat(heap.due(Long.MIN_VALUE)).isEqualTo(2);
        heap.remove(2);
        assertThat(heap.due(-1)).isEqualTo(Runs.NONE);
        heap.remove(3);
        assertThat(heap.due(Long.MAX_VALUE - 1)).isEqualTo(Runs.NONE);
        assertThat(heap.due(Long.MAX_VALUE)).isEqualTo(1);
    }

    /** One that is moved into the hole may have to go up there: the last stands under another parent than the hole. */
    @Test
    void whatFillsAHoleMayHaveToGoUp() {
        int[] due = {1, 10, 2, 11, 12, 3, 4};
        for (int i = 0; i < due.length; i++) {
            heap.add(i + 1, due[i]);
        }
        heap.remove(4); // its place is under 10, and the last, due at 4, takes it
        for (int run : new int[] {1, 3, 6, 7, 2, 5}) {
            assertThat(heap.due(100)).isEqualTo(run);
            heap.remove(run);
        }
        assertThat(heap.due(100)).isEqualTo(Runs.NONE);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void itAgreesWithAMap(long seed) {
        System.out.println("DeadlineHeapTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Map<Integer, Long> model = new HashMap<>();
        for (int i = 0; i < 5_000; i++) {
            int run = 1 + random.nextInt(i < 2_500 ? 40 : 400); // larger ones only later: its arrays grow
            if (model.containsKey(run) || random.nextInt(4) == 0) {
                heap.remove(run);
                model.remove(run);
            } else {
                long due = random.nextInt(60); // many are equal
                heap.add(run, due);
                model.put(run, due);
            }
            long now = random.nextInt(80);
            int found = heap.due(now);
            long first =
                    model.values().stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
            if (first > now) {
                assertThat(found).as("seed %d, operation %d", seed, i).isEqualTo(Runs.NONE);
            } else {
                assertThat(model.get(found))
                        .as("seed %d, operation %d", seed, i)
                        .isEqualTo(first);
            }
        }
    }
}
