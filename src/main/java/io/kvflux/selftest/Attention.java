package io.kvflux.selftest;

/**
 * How a model attends to the rows of a {@link KvStore}. Whoever does it gives the same bits: a sum runs from its first number
 * on, each product and each sum is rounded to a float by itself.
 */
interface Attention {

    /**
     * Lets each head of consecutive tokens attend to the rows of all tokens up to its own, which are in the store.
     *
     * @param from position of the first token
     * @param queries the {@link ReferenceShape#headWidth} values of the shard's heads, token after token
     * @param attended takes the {@link ReferenceShape#valueWidth} values that each of them gives, in the same order
     */
    void attend(int shard, int layer, int from, int count, float[] queries, float[] attended);
}
