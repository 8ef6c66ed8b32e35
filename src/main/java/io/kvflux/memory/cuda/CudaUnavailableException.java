package io.kvflux.memory.cuda;

import org.jspecify.annotations.Nullable;

/** There is no CUDA here, or not the device that was asked for. The message says what to do. */
public final class CudaUnavailableException extends RuntimeException {

    private final boolean missing;

    CudaUnavailableException(String message, @Nullable Throwable cause) {
        this(message, cause, false);
    }

    CudaUnavailableException(String message, @Nullable Throwable cause, boolean missing) {
        super(message, cause);
        this.missing = missing;
    }

    /** {@return whether no driver is installed, and none was named: this machine has no GPU, as far as can be seen} */
    public boolean isMissing() {
        return missing;
    }
}
