package io.kvflux.selftest;

/** There is no place for a temporary directory. The message is one sentence: where it was to be, why not, what to do. */
public final class TemporaryDirectoryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    TemporaryDirectoryException(String message, Throwable cause) {
        super(message, cause);
    }
}
