package io.kvflux.memory.cuda;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The checksum of a page that the kernel {@code kvflux_checksum_pages} computes, whose formula is in {@code pages.cu}: a sum
 * of integers, so it does not depend on who adds them in which order, and of the number of each word, so it does depend on
 * the order of the words. A changed word changes it for certain. No protection against an adversary.
 */
final class PageChecksum {

    private static final long GAMMA = 0x9E3779B97F4A7C15L;
    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private PageChecksum() {}

    static long of(byte[] page) {
        int whole = page.length / Long.BYTES;
        long sum = page.length;
        for (int i = 0; i < whole; i++) {
            sum += term((long) WORDS.get(page, i * Long.BYTES), i);
        }
        if (page.length > whole * Long.BYTES) {
            long last = 0;
            for (int at = page.length - 1; at >= whole * Long.BYTES; at--) {
                last = (last << Byte.SIZE) | (page[at] & 0xFF);
            }
            sum += term(last, whole);
        }
        return sum;
    }

    private static long term(long word, long number) {
        return mix(word + (number + 1) * GAMMA);
    }

    private static long mix(long word) {
        long x = word;
        x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
        x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
        return x ^ (x >>> 31);
    }
}
