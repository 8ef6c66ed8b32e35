package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What callers can get wrong, the sentence they read, and that the pool stays as it was. */
class BlockArgumentsTest {

    private static final int[] TOKENS = new int[10];

    private final BlockPool pool = new BlockPool(8, 4, 2, EvictionPolicy.lru());
    private final BlockTable open = new BlockTable();
    private final BlockTable closed = new BlockTable();
    private final PrefixMatch match = new PrefixMatch();

    BlockArgumentsTest() {
        assertThat(pool.open(open, PrefixScope.NONE, match, 3)).isTrue();
    }

    @AfterEach
    void thePoolIsAsBefore() {
        pool.verify(List.of(open));
        assertThat(pool.heldBlocks()).isEqualTo(3);
        assertThat(closed.isOpen()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"0,1,1", "-1,1,1", "2147483647,1,1", "1,0,1", "1,-5,1", "1,1,0", "1,1,-1", "1,1,65537"})
    void aPoolNeedsSensibleSizes(int blocks, int pageSize, int steps) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new BlockPool(blocks, pageSize, steps, EvictionPolicy.lru()))
                .withMessage(
                        "a pool needs 0 < blocks < 2^31 - 1, pageSize > 0 and 0 < maxStepsInFlight <= 65536, blocks="
                                + blocks + ", pageSize=" + pageSize + ", maxStepsInFlight=" + steps);
    }

    @ParameterizedTest
    @CsvSource({"-1", "3", "2147483647"})
    void onlyFullPagesMatch(int maxPages) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pool.match(PrefixScope.NONE, TOKENS, maxPages, PageKeys.none(), match))
                .withMessage("only full pages match, maxPages=" + maxPages + ", pageSize=4, tokens=10");
    }

    @ParameterizedTest
    @CsvSource({"-1", "-2147483648"})
    void aCountOfNewBlocksIsNotNegative(int newBlocks) {
        String rule = "newBlocks must not be negative, newBlocks=" + newBlocks;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pool.open(closed, PrefixScope.NONE, match, newBlocks))
                .withMessage(rule);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pool.grow(open, newBlocks))
                .withMessage(rule);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pool.fork(open, closed, newBlocks))
                .withMessage(rule);
    }

    @Test
    void anEnormousCountOfNewBlocksIsRefused() {
        assertThat(pool.open(closed, PrefixScope.NONE, match, Integer.MAX_VALUE))
                .isFalse();
        assertThat(pool.grow(open, Integer.MAX_VALUE)).isFalse();
        assertThat(pool.fork(open, closed, Integer.MAX_VALUE)).isFalse();
    }

    @Test
    void aTableIsOpenedOnce() {
        String rule = "a table is opened once before its release";
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.open(open, PrefixScope.NONE, match, 1))
                .withMessage(rule);
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.fork(open, open, 1))
                .withMessage(rule);
    }

    @Test
    void aClosedTableTakesNoPart() {
        String rule = "the table is not open";
        assertThatIllegalStateException().isThrownBy(() -> pool.grow(closed, 1)).withMessage(rule);
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.commit(closed, TOKENS, 0, PageKeys.none()))
                .withMessage(rule);
        assertThatIllegalStateException().isThrownBy(() -> pool.release(closed)).withMessage(rule);
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.fork(closed, new BlockTable(), 0))
                .withMessage(rule);
    }

    @Test
    void onlyFullPagesOfTheTableAreCommitted() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pool.commit(open, TOKENS, 3, PageKeys.none()))
                .withMessage("pages to commit must be in the table and full, upTo=3, size=3, pageSize=4, tokens=10");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pool.commit(open, new int[100], 4, PageKeys.none()))
                .withMessage("pages to commit must be in the table and full, upTo=4, size=3, pageSize=4, tokens=100");
    }

    @Test
    void stepsCompleteInOrder() {
        pool.completed(5);
        pool.completed(5);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pool.completed(4))
                .withMessage("steps complete in order, step=4, completed=5");
    }

    @Test
    void aFenceBeyondTheStepsInFlightChangesNothing() {
        BlockTable table = new BlockTable();
        assertThat(pool.open(table, PrefixScope.NONE, match, 2)).isTrue();
        table.touch(1_000);
        String rule = "a fence is at most 4 steps ahead, fence=1000, completed=0";
        assertThatIllegalStateException().isThrownBy(() -> pool.release(table)).withMessage(rule);
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.commit(table, TOKENS, 1, PageKeys.none()))
                .withMessage(rule);
        pool.verify(List.of(open, table));
        pool.completed(1_000);
        pool.release(table);
    }

    @Test
    void aBlockOutsideATableOrAMatchNamesItsRange() {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> open.block(3))
                .withMessage("index must be in [0, size), index=3, size=3");
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> open.block(-1))
                .withMessage("index must be in [0, size), index=-1, size=3");
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> match.block(0))
                .withMessage("page must be in [0, pages), page=0, pages=0");
    }

    @Test
    void theIdsOfATableStayWhatTheyWereWhileAStepMayReadThem() {
        BlockTable table = new BlockTable();
        pool.open(table, PrefixScope.NONE, match, 2);
        int[] ids = table.ids();
        table.touch(1);
        pool.release(table);
        assertThat(ids).startsWith(4, 5);
        assertThat(table.ids()).isNotSameAs(ids);
    }
}
