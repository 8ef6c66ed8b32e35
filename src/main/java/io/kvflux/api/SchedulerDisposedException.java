package io.kvflux.api;

import org.jspecify.annotations.Nullable;

/** The scheduler takes no more sequences, or ended before this one did. */
public final class SchedulerDisposedException extends RuntimeException {

    /**
     * An ending with its reason.
     *
     * @param message what ended, and why
     * @param cause the failure that stopped the scheduler, or null if it was disposed
     */
    public SchedulerDisposedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
