package io.kvflux.sim;

/** A workload that cannot be read. The message is one clear sentence for a person: file, line, what was expected. */
public final class TraceException extends RuntimeException {

    /**
     * A fault in the input.
     *
     * @param message one sentence naming file, line and what was expected
     */
    public TraceException(String message) {
        super(message);
    }
}
