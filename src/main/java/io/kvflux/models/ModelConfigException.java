package io.kvflux.models;

/** A model that is not known or whose file cannot be used. The message is one clear sentence for a person. */
public final class ModelConfigException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message one sentence: what was found, and what was expected
     */
    public ModelConfigException(String message) {
        super(message);
    }

    /**
     * Makes an exception.
     *
     * @param message one sentence: what was found, and what was expected
     * @param cause what was caught
     */
    public ModelConfigException(String message, Throwable cause) {
        super(message, cause);
    }
}
