package io.kvflux.soak;

/** What the soak's executor and drafter fail with on purpose. */
final class InjectedFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    InjectedFailure(String what) {
        super("injected: " + what, null, false, false);
    }
}
