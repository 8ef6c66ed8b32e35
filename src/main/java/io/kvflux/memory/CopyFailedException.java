package io.kvflux.memory;

import org.jspecify.annotations.Nullable;

/** A batch failed, and its device knows how many of its blocks were copied before. */
public class CopyFailedException extends RuntimeException {

    private final int landedBlocks;

    /**
     * A failure in the middle of a batch.
     *
     * @param message what went wrong
     * @param landedBlocks blocks that were certainly copied: the first ones, in the order in which they were added
     * @param cause why
     */
    public CopyFailedException(String message, int landedBlocks, @Nullable Throwable cause) {
        super(message, cause);
        this.landedBlocks = landedBlocks;
    }

    /** {@return blocks that were certainly copied: the first ones, in the order in which they were added} */
    public int landedBlocks() {
        return landedBlocks;
    }
}
