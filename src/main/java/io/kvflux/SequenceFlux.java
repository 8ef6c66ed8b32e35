package io.kvflux;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;

/** Tokens of a sequence that is submitted at subscription; each subscription is a sequence of its own. */
final class SequenceFlux extends Flux<TokenEvent> {

    private final Shell shell;
    private final @Nullable SequenceSpec spec;
    private final @Nullable SequenceId parent;
    private final @Nullable ArrivalGate gate;

    SequenceFlux(Shell shell, @Nullable SequenceSpec spec, @Nullable SequenceId parent, @Nullable ArrivalGate gate) {
        this.shell = shell;
        this.spec = spec;
        this.parent = parent;
        this.gate = gate;
    }

    @Override
    public void subscribe(CoreSubscriber<? super TokenEvent> client) {
        new SequenceFlow(shell, spec, parent, gate, client).open();
    }
}
