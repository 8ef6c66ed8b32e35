package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PageChecksumTest {

    private static byte[] page(int bytes) {
        byte[] page = new byte[bytes];
        new SplittableRandom(bytes).nextBytes(page);
        return page;
    }

    /** Words 0 and 1 are the first two numbers of a SplitMix64 that begins at 0, whose values are published. */
    @Test
    void isTheSumThatItsFormulaSays() {
        assertThat(PageChecksum.of(new byte[0])).isZero();
        assertThat(PageChecksum.of(new byte[8])).isEqualTo(8 + 0xE220A8397B1DCDAFL);
        assertThat(PageChecksum.of(new byte[16])).isEqualTo(16 + 0xE220A8397B1DCDAFL + 0x6E789E6AA1B965F4L);
    }

    @Test
    void everyBitAndEveryLengthCountsInTheTailToo() {
        int length = 93;
        Set<Long> sums = new HashSet<>();
        for (int shorter = 0; shorter <= length; shorter++) {
            sums.add(PageChecksum.of(new byte[shorter]));
        }
        byte[] page = new byte[length];
        for (int at = 0; at < length; at++) {
            for (int bit = 0; bit < 8; bit++) {
                page[at] = (byte) (1 << bit);
                sums.add(PageChecksum.of(page));
            }
            page[at] = 0;
        }
        assertThat(sums).hasSize(length + 1 + 8 * length);
    }

    @Test
    void seesSwappedWordsAndMovedOnes() {
        int words = 12;
        byte[] page = page(words * 8 + 5);
        Set<Long> sums = new HashSet<>(Set.of(PageChecksum.of(page)));
        int swaps = 0;
        for (int i = 0; i < words; i++) {
            for (int j = i + 1; j < words; j++) {
                byte[] other = page.clone();
                System.arraycopy(page, 8 * i, other, 8 * j, 8);
                System.arraycopy(page, 8 * j, other, 8 * i, 8);
                sums.add(PageChecksum.of(other));
                swaps++;
            }
        }
        byte[] moved = page.clone();
        System.arraycopy(page, 0, moved, 8, words * 8 - 8);
        System.arraycopy(page, words * 8 - 8, moved, 0, 8);
        sums.add(PageChecksum.of(moved));
        assertThat(sums).hasSize(1 + swaps + 1);
    }
}
