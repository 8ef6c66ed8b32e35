package io.kvflux.api;

/** A sequence needs more blocks than one replica has, so waiting cannot help. */
public final class SequenceTooLongException extends RuntimeException {

    private final int neededBlocks;
    private final int usableBlocks;
    private final int pageSize;

    /**
     * The refusal with its numbers.
     *
     * @param tokens tokens whose slots are needed
     * @param neededBlocks blocks they need
     * @param usableBlocks blocks of one replica
     * @param pageSize tokens in a page
     */
    public SequenceTooLongException(int tokens, int neededBlocks, int usableBlocks, int pageSize) {
        super("a sequence must fit into one replica, but " + tokens + " tokens need " + neededBlocks
                + " blocks: neededBlocks=" + neededBlocks + ", usableBlocks=" + usableBlocks + ", pageSize="
                + pageSize);
        this.neededBlocks = neededBlocks;
        this.usableBlocks = usableBlocks;
        this.pageSize = pageSize;
    }

    /** {@return blocks the sequence needs} */
    public int neededBlocks() {
        return neededBlocks;
    }

    /** {@return blocks a replica has} */
    public int usableBlocks() {
        return usableBlocks;
    }

    /** {@return tokens in a page} */
    public int pageSize() {
        return pageSize;
    }
}
