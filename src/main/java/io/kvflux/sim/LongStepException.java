package io.kvflux.sim;

/** By the costs of a replay a step takes longer than any device does. The message is one sentence for a person. */
public final class LongStepException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    LongStepException(String message) {
        super(message);
    }
}
