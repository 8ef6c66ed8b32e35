package io.kvflux.api;

/** The executor failed as many steps in a row as allowed; the scheduler has stopped. */
public final class ExecutorFailedException extends RuntimeException {

    private final int failures;

    /**
     * A stop with its numbers.
     *
     * @param failures steps that failed one after another
     * @param last the last failure
     */
    public ExecutorFailedException(int failures, Throwable last) {
        super(
                "the executor failed as many steps in a row as maxExecutorFailures allows, and the scheduler has stopped,"
                        + " failures=" + failures + ", last=" + last,
                last);
        this.failures = failures;
    }

    /** {@return steps that failed one after another} */
    public int failures() {
        return failures;
    }
}
