package io.kvflux.app;

/** What was asked for could not be done: exit 1. The message is one sentence. */
final class FailureException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    FailureException(String message, Throwable cause) {
        super(message, cause);
    }

    FailureException(String message) {
        super(message);
    }
}
