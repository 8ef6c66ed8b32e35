package io.kvflux.soak;

/** A page does not hold what its sequence wrote. */
final class WrongPageException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    WrongPageException(String message) {
        super(message);
    }
}
