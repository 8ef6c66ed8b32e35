package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RankedQueuesTest {

    private final ReturnChances chances = new ReturnChances(100);
    private final RankedQueues queues = new RankedQueues(chances, 1, 2);

    @Test
    void anEmptyOneHasNone() {
        assertThat(queues.least(0)).isEqualTo(Runs.NONE);
        assertThat(queues.first(chances.cells)).isEqualTo(Runs.NONE);
    }

    @Test
    void theQueueOfTheLowestRankComesFirstAndInItTheOldest() {
        int last = chances.cellOfRank(chances.cells - 1);
        int first = chances.cellOfRank(0);
        queues.append(last, 5);
        queues.append(last, 6);
        assertThat(queues.least(0)).as("of the only queue").isEqualTo(5);
        queues.append(first, 7);
        queues.append(first, 8);
        assertThat(queues.least(0)).isEqualTo(7);
        queues.remove(first, 7);
        assertThat(queues.least(0)).isEqualTo(8);
        queues.remove(first, 8);
        assertThat(queues.least(0)).isEqualTo(5);
    }

    @Test
    void queuesBesideTheOrderAreNotLookedAt() {
        queues.append(chances.cells, 3);
        queues.append(chances.cells + 1, 4);
        assertThat(queues.least(0)).isEqualTo(Runs.NONE);
        queues.reordered();
        assertThat(queues.least(0)).isEqualTo(Runs.NONE);
        assertThat(queues.first(chances.cells)).isEqualTo(3);
        assertThat(queues.first(chances.cells + 1)).isEqualTo(4);
        queues.remove(chances.cells, 3);
        assertThat(queues.first(chances.cells)).isEqualTo(Runs.NONE);
    }

    /** Words of 64 ranks: the first and the last of each. */
    @Test
    void everyRankIsFound() {
        for (int rank = chances.cells - 1; rank >= 0; rank--) {
            queues.append(chances.cellOfRank(rank), rank + 1);
            assertThat(queues.least(0)).isEqualTo(rank + 1);
        }
        for (int rank = 0; rank < chances.cells; rank++) {
            assertThat(queues.least(0)).isEqualTo(rank + 1);
            queues.remove(chances.cellOfRank(rank), rank + 1);
        }
        assertThat(queues.least(0)).isEqualTo(Runs.NONE);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void itAgreesWithSetsInTheOrderOfInsertion(long seed) {
        System.out.println("RankedQueuesTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        List<Set<Integer>> model = new ArrayList<>();
        IntStream.range(0, chances.cells + 2).forEach(i -> model.add(new LinkedHashSet<>()));
        Map<Integer, Integer> queueOf = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            int entry = 1 + random.nextInt(i < 10_000 ? 30 : 100);
            Integer old = queueOf.remove(entry);
            if (old != null) {
                queues.remove(old, entry);
                model.get(old).remove(entry);
            } else {
                int queue = random.nextInt(chances.cells + 2);
                queues.append(queue, entry);
                model.get(queue).add(entry);
                queueOf.put(entry, queue);
            }
            if (random.nextInt(200) == 0) {
                learn(random);
                queues.reordered();
            }
            assertThat(queues.least(0)).as("seed %d, operation %d", seed, i).isEqualTo(least(model));
            int any = random.nextInt(chances.cells + 2);
            assertThat(queues.first(any)).as("seed %d, operation %d", seed, i).isEqualTo(first(model.get(any)));
        }
    }

    private void learn(SplittableRandom random) {
        for (int i = 0; i < 50; i++) {
            int cell = random.nextInt(chances.cells);
            chances.entered(cell);
            if (random.nextBoolean()) {
                chances.returned(cell);
            }
        }
        chances.rescore();
    }

    private int least(List<Set<Integer>> model) {
        return IntStream.range(0, chances.cells)
                .map(rank -> first(model.get(chances.cellOfRank(rank))))
                .filter(entry -> entry != Runs.NONE)
                .findFirst()
                .orElse(Runs.NONE);
    }

    private static int first(Set<Integer> queue) {
        return queue.isEmpty() ? Runs.NONE : queue.iterator().next();
    }
}
