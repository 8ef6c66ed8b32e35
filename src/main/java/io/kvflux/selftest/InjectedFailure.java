package io.kvflux.selftest;

import io.kvflux.api.SequenceId;
import java.util.Set;

/** A failure that a scenario injected, and the sequences that may end with it; anybody else's end by it is a finding. */
final class InjectedFailure extends RuntimeException {

    private final transient Set<SequenceId> sequences;

    InjectedFailure(String what, Set<SequenceId> sequences) {
        super("injected: " + what);
        this.sequences = sequences;
    }

    boolean isFor(SequenceId sequence) {
        return sequences.contains(sequence);
    }
}
