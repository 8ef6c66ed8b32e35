package io.kvflux.memory.cuda;

import org.jspecify.annotations.Nullable;

/** There is no CUDA here, or not the device that was asked for. The message says what to do. */
public final class CudaUnavailableException extends RuntimeException {

    CudaUnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
