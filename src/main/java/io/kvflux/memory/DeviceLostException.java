package io.kvflux.memory;

import org.jspecify.annotations.Nullable;

/** A device lost what was in its memory, and cannot be used again: what runs there ends with this. */
public class DeviceLostException extends RuntimeException {

    private final String device;

    /**
     * A loss.
     *
     * @param device name of the device
     * @param reason what is known of it, such as what the driver says
     * @param advice what to do, such as what to restart
     * @param cause the failure by which it was found out, or null
     */
    public DeviceLostException(String device, String reason, String advice, @Nullable Throwable cause) {
        super(
                "the device is lost with all that was in its memory, device=" + device + ": " + reason + "; " + advice,
                cause);
        this.device = device;
    }

    /** {@return name of the device} */
    public String device() {
        return device;
    }
}
