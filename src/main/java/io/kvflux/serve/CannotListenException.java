package io.kvflux.serve;

/** A server cannot listen where it was told to. */
public final class CannotListenException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    CannotListenException(String host, int port, String why, Throwable cause) {
        super("cannot listen on " + host + ":" + port + ": " + why, cause);
    }
}
