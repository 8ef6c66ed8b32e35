package io.kvflux.geometry;

/** Thrown when the memory at hand does not hold even one block. */
public final class InsufficientCacheMemoryException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    /** Bytes that one block needs. */
    private final long requiredBytes;

    /** Bytes at hand for one replica. */
    private final long availableBytes;

    InsufficientCacheMemoryException(String where, long requiredBytes, long availableBytes, String operands) {
        super("Insufficient cache memory to allocate even a single page" + where + ". One page requires "
                + new DataSize(requiredBytes) + " but only " + new DataSize(availableBytes) + " are available" + where
                + ": " + operands);
        this.requiredBytes = requiredBytes;
        this.availableBytes = availableBytes;
    }

    /** {@return the bytes that one block needs} */
    public long requiredBytes() {
        return requiredBytes;
    }

    /** {@return the bytes at hand for one replica} */
    public long availableBytes() {
        return availableBytes;
    }
}
