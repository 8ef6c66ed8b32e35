package io.kvflux;

import io.kvflux.api.TokenEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;

/** A client that asks when told to. */
final class Client extends BaseSubscriber<TokenEvent> {

    final List<TokenEvent> events = new ArrayList<>();

    @Nullable
    Throwable error;

    boolean completed;

    static Client of(Flux<TokenEvent> tokens) {
        Client client = new Client();
        tokens.subscribe(client);
        return client;
    }

    Client asks(long n) {
        request(n);
        return this;
    }

    List<Integer> tokens() {
        return events.stream().map(TokenEvent::token).toList();
    }

    TokenEvent last() {
        return events.get(events.size() - 1);
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {}

    @Override
    protected void hookOnNext(TokenEvent event) {
        events.add(event);
    }

    @Override
    protected void hookOnComplete() {
        completed = true;
    }

    @Override
    protected void hookOnError(Throwable throwable) {
        error = throwable;
    }

    /** Asks for a wrong number of signals and expects nothing but an error. Reactor does not stand between. */
    static final class Raw<T> implements CoreSubscriber<T> {

        private final long n;
        private final Consumer<Throwable> errors;

        Raw(long n, Consumer<Throwable> errors) {
            this.n = n;
            this.errors = errors;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            subscription.request(n);
        }

        @Override
        public void onNext(T value) {
            throw new AssertionError(value);
        }

        @Override
        public void onError(Throwable cause) {
            errors.accept(cause);
        }

        @Override
        public void onComplete() {
            throw new AssertionError("completed");
        }
    }
}
