package io.kvflux.serve;

import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The instant from which an answer's status is known: every choice has given something. A choice that fails before fails
 * the answer, which can still have the status of the failure; one that fails after it says so in its stream.
 */
final class Begun {

    private final AtomicInteger missing;
    private final Sinks.Empty<Void> all = Sinks.empty();

    Begun(int choices) {
        missing = new AtomicInteger(choices);
    }

    Flux<Piece> watch(Choice choice, Flux<Piece> pieces) {
        return pieces.switchOnFirst((first, rest) -> {
                    if (first.hasValue() && missing.decrementAndGet() == 0) {
                        all.tryEmitEmpty();
                    }
                    return rest;
                })
                .onErrorResume(
                        failure -> missing.get() == 0,
                        failure -> Mono.just(Piece.failed(choice.index(), ApiException.of(failure))));
    }

    /** Completes when every choice has begun. */
    Mono<Void> all() {
        return all.asMono();
    }
}
