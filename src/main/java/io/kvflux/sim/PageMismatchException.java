package io.kvflux.sim;

/**
 * In a replay with memory a page did not hold what was computed for it. The message is one sentence for a person: request,
 * page, tier, block or slot, and the first byte that differs.
 */
public final class PageMismatchException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    PageMismatchException(String message) {
        super(message);
    }
}
