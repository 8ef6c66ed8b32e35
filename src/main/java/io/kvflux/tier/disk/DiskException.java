package io.kvflux.tier.disk;

import org.jspecify.annotations.Nullable;

/** A disk store cannot be opened. The message is one sentence: the rule, the values, what to do. */
public final class DiskException extends RuntimeException {

    DiskException(String message) {
        super(message);
    }

    DiskException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
