package io.kvflux.memory;

import io.kvflux.geometry.DataSize;
import org.jspecify.annotations.Nullable;

/** Thrown when a device has no room for an arena. Nothing has changed. */
public final class OutOfDeviceMemoryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Bytes that were asked for. */
    private final long requestedBytes;

    /** Bytes that arenas took at that time. */
    private final long allocatedBytes;

    /** The most they may take. */
    private final long budgetBytes;

    /**
     * Says what was asked for and what there was.
     *
     * @param device name of the device
     * @param requestedBytes bytes that were asked for
     * @param allocatedBytes bytes that arenas take
     * @param budgetBytes the most they may take
     * @param cause why the device itself refused, or null when the budget has no room
     */
    public OutOfDeviceMemoryException(
            String device, long requestedBytes, long allocatedBytes, long budgetBytes, @Nullable Throwable cause) {
        super(
                (cause == null
                                ? "arenas must fit the budget of the device"
                                : "the device must have the memory that its budget allows")
                        + " (" + new DataSize(requestedBytes) + " more asked of " + new DataSize(budgetBytes)
                        + "), device=" + device + ", requested=" + requestedBytes + ", allocated=" + allocatedBytes
                        + ", budget=" + budgetBytes,
                cause);
        this.requestedBytes = requestedBytes;
        this.allocatedBytes = allocatedBytes;
        this.budgetBytes = budgetBytes;
    }

    /** {@return the bytes that were asked for} */
    public long requestedBytes() {
        return requestedBytes;
    }

    /** {@return the bytes that arenas took at that time} */
    public long allocatedBytes() {
        return allocatedBytes;
    }

    /** {@return the most bytes that arenas may take} */
    public long budgetBytes() {
        return budgetBytes;
    }
}
