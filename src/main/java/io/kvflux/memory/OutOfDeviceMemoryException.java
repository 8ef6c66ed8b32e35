package io.kvflux.memory;

import org.jspecify.annotations.Nullable;

/** A device has not got the memory that was asked for. */
public final class OutOfDeviceMemoryException extends RuntimeException {

    private final long requestedBytes;
    private final long allocatedBytes;
    private final long budgetBytes;

    /**
     * A refusal with its numbers.
     *
     * @param device name of the device
     * @param what what was to be allocated
     * @param requestedBytes how much
     * @param allocatedBytes what is allocated already
     * @param budgetBytes what may be allocated altogether
     */
    public OutOfDeviceMemoryException(
            String device, String what, long requestedBytes, long allocatedBytes, long budgetBytes) {
        this(
                "arenas must fit the budget of the device, device=" + device,
                what,
                requestedBytes,
                allocatedBytes,
                budgetBytes,
                null);
    }

    /**
     * The refusal of a device that has not got what its budget allows.
     *
     * @param device name of the device
     * @param what what was to be allocated
     * @param requestedBytes how much
     * @param allocatedBytes what is allocated already
     * @param budgetBytes what may be allocated altogether
     * @param refusal how the device said so
     * @return the exception
     */
    public static OutOfDeviceMemoryException withinBudget(
            String device, String what, long requestedBytes, long allocatedBytes, long budgetBytes, Throwable refusal) {
        return new OutOfDeviceMemoryException(
                "the budget allows it, but the device has not got the memory, device=" + device,
                what,
                requestedBytes,
                allocatedBytes,
                budgetBytes,
                refusal);
    }

    private OutOfDeviceMemoryException(
            String sentence,
            String what,
            long requestedBytes,
            long allocatedBytes,
            long budgetBytes,
            @Nullable Throwable cause) {
        super(
                sentence + ", for=" + what + ", requestedBytes=" + requestedBytes + ", allocatedBytes=" + allocatedBytes
                        + ", budgetBytes=" + budgetBytes,
                cause);
        this.requestedBytes = requestedBytes;
        this.allocatedBytes = allocatedBytes;
        this.budgetBytes = budgetBytes;
    }

    /** {@return how much was asked for} */
    public long requestedBytes() {
        return requestedBytes;
    }

    /** {@return what was allocated then} */
    public long allocatedBytes() {
        return allocatedBytes;
    }

    /** {@return what may be allocated altogether} */
    public long budgetBytes() {
        return budgetBytes;
    }
}
