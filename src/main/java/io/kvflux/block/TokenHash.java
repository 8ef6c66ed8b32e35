package io.kvflux.block;

import java.security.SecureRandom;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The hash of one page after another: what finds the place of "these tokens after that page" in a table, where content is
 * then compared. Immutable.
 *
 * <p>Multilinear with random 64-bit keys, of which the upper half is kept: h = k0 + sum of k_i * t_i, pairwise independent
 * over the choice of keys (D. Lemire and O. Kaser, "Strongly universal string hashing is fast", The Computer Journal
 * 57(11), 2014). Whoever does not know the keys cannot craft collisions that slow lookups down.
 */
public final class TokenHash {

    private final long[] keys;
    private final int pageSize;

    /**
     * A hash with keys of its own.
     *
     * @param pageSize tokens in a page
     */
    public TokenHash(int pageSize) {
        this(pageSize, new SecureRandom()::nextLong);
    }

    TokenHash(int pageSize, LongSupplier randomKeys) {
        this.pageSize = pageSize;
        keys = LongStream.generate(randomKeys).limit(pageSize + 3L).toArray();
    }

    /**
     * The hash of a page.
     *
     * @param before what names the page before it
     * @param tokens an array with its tokens
     * @param from index of the first
     * @param key what the page has beside its tokens, or null
     * @return its hash
     */
    public int of(int before, int[] tokens, int from, @Nullable Object key) {
        long sum = keys[0] + keys[1] * before;
        for (int i = 0; i < pageSize; i++) {
            sum += keys[i + 3] * tokens[from + i];
        }
        if (key != null) {
            sum += keys[2] * key.hashCode();
        }
        return (int) (sum >>> 32);
    }
}
