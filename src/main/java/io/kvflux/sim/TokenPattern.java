package io.kvflux.sim;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Bytes in place of keys and values. A token's depend on all tokens up to it, as real ones do: a 64-bit value is chained
 * over them, and expanded by a Weyl sequence, whose words all differ, so that no other prefix, and no other place of a
 * token's bytes, gives the same.
 */
public final class TokenPattern {

    /** What the first token is chained to. */
    public static final long START = 0x6A09E667F3BCC909L;

    private static final long STEP = 0x9E3779B97F4A7C15L;
    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private TokenPattern() {}

    /**
     * The value of a token after that of the token before it.
     *
     * @param before the value of the token before it, or {@link #START}
     * @param token the token id
     * @return its value
     */
    public static long next(long before, int token) {
        return mix(before + STEP * (token + 1L));
    }

    /**
     * Fills bytes with those that a token has in one page.
     *
     * @param into takes the bytes
     * @param at index of the first
     * @param length how many
     * @param token the token's value
     * @param cache the page's cache
     * @param shard the page's shard
     */
    public static void fill(byte[] into, int at, int length, long token, int cache, int shard) {
        long word = mix(token ^ ((long) cache << 32 | shard));
        int end = at + length;
        int i = at;
        for (; i <= end - Long.BYTES; i += Long.BYTES) {
            WORD.set(into, i, word);
            word += STEP;
        }
        for (; i < end; i++) {
            into[i] = (byte) word;
            word >>>= Byte.SIZE;
        }
    }

    /** The finalizer of SplitMix64: every bit of the argument changes about half of the result's. */
    private static long mix(long value) {
        long z = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}
