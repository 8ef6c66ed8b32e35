package io.kvflux.memory;

/** A device broke, and what was in its memory is gone. The message says which, and what to restart. */
public class DeviceLostException extends RuntimeException {

    /**
     * A loss.
     *
     * @param message which device, and what to do
     * @param cause what it said last
     */
    public DeviceLostException(String message, Throwable cause) {
        super(message, cause);
    }
}
