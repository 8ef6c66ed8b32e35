package io.kvflux.selftest;

import org.jspecify.annotations.Nullable;

/**
 * Where the model keeps the keys and values of one sequence in one cache. A row is what one token has in one layer on one
 * shard: the keys or the values of the shard's KV heads one after another; under MLA the latent and the rotated key.
 */
interface KvStore {

    /** {@return tensor-parallel devices over which the heads are split} */
    int shards();

    /**
     * Stores the rows of consecutive tokens; what is read back is rounded to the cache's dtype.
     *
     * @param part 0 for keys (MLA: all there is), 1 for values
     * @param from position of the first token
     */
    void write(int shard, int part, int layer, int from, int count, float[] rows);

    /** Reads the rows of tokens [0, length). */
    void read(int shard, int part, int layer, int length, float[] into);

    /** {@return what attends to the rows where they are; null if they have to be read} */
    default @Nullable Attention attention() {
        return null;
    }
}
