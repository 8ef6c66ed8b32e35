package io.kvflux.memory;

import org.jspecify.annotations.Nullable;

/** Hears how a batch ended. */
@FunctionalInterface
public interface CopyListener {

    /**
     * The batch is over and touches no block any more.
     *
     * @param batch the batch; may be used again
     * @param failure null if all of it was carried out; otherwise why not, and then its destinations hold anything, but for
     *     the first blocks that {@link CopyBatch#landedBlocks} counts
     */
    void ended(CopyBatch batch, @Nullable Throwable failure);
}
