package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ReturnChancesTest {

    private static final int BLOCKS = 1_000;
    private final ReturnChances chances = new ReturnChances(BLOCKS);

    /** So many uses of a class live to a bucket, and the part that does return returns there. */
    private void live(int usesClass, int lives, int bucket, double part) {
        for (int i = 0; i < lives; i++) {
            for (int b = 0; b <= bucket; b++) {
                chances.entered(chances.cell(usesClass, b));
            }
            if (i < part * lives) {
                chances.returned(chances.cell(usesClass, bucket));
            } else {
                for (int b = bucket + 1; b < chances.buckets; b++) {
                    chances.entered(chances.cell(usesClass, b));
                }
            }
        }
    }

    private int rank(int usesClass, int bucket) {
        return chances.rank(chances.cell(usesClass, bucket));
    }

    @Test
    void bucketsCoverAllAgesWithoutGaps() {
        long end = 0;
        for (int bucket = 0; bucket < chances.buckets; bucket++) {
            assertThat(chances.end(bucket)).isGreaterThan(end);
            end = chances.end(bucket);
        }
        assertThat(end).isEqualTo(Long.MAX_VALUE);
        assertThat(chances.end(0)).isEqualTo(32);
        assertThat(chances.end(chances.buckets - 2)).isGreaterThanOrEqualTo(40L * BLOCKS);
    }

    /** What a look at all cells costs does not grow with the pool. */
    @Test
    void thereAreAtMostTwoHundredCells() {
        for (int blocks : new int[] {1, 2, 31, 32, 33, 1_000, 1_000_000, Integer.MAX_VALUE - 1}) {
            assertThat(new ReturnChances(blocks).cells).as("%d blocks", blocks).isBetween(1, 200);
        }
    }

    @Test
    void usesFallIntoClasses() {
        int[] last = {1, 2, 3, 4, 6, 9, 14, 30, 100};
        for (int i = 0; i < last.length; i++) {
            assertThat(ReturnChances.classOf(last[i])).isEqualTo(i);
            assertThat(ReturnChances.classOf(last[i] + 1)).isEqualTo(i + 1);
        }
        assertThat(ReturnChances.classOf(Integer.MAX_VALUE)).isEqualTo(ReturnChances.CLASSES - 1);
    }

    @Test
    void beforeAnythingIsKnownTheOldGoFirst() {
        assertThat(rank(0, chances.buckets - 1)).isLessThan(rank(0, 0));
        assertThat(rank(5, chances.buckets - 1)).isLessThan(rank(0, 3));
    }

    @Test
    void whatReturnsMoreOftenIsWorthMore() {
        live(0, 400, 4, 0.2);
        live(3, 400, 4, 0.8);
        chances.rescore();
        assertThat(rank(0, 2)).isLessThan(rank(3, 2));
        assertThat(rank(3, 6)).as("when it is too late").isLessThan(rank(0, 2));
    }

    @Test
    void worthLooksAheadToALateReturn() {
        live(0, 400, 1, 0.05);
        live(3, 400, 8, 0.9);
        chances.rescore();
        assertThat(rank(0, 0)).as("a small chance now").isLessThan(rank(3, 5));
        assertThat(rank(3, 2)).as("the longer the wait, the less").isLessThan(rank(3, 7));
    }

    @Test
    void whatWasLearnedFades() {
        live(0, 4_000, 3, 0.9);
        live(1, 4_000, 3, 0.3);
        chances.rescore();
        assertThat(rank(1, 3)).isLessThan(rank(0, 3));
        live(0, 12_000, 3, 0.05);
        live(1, 12_000, 3, 0.8);
        chances.rescore();
        assertThat(rank(0, 3)).isLessThan(rank(1, 3));
    }
}
