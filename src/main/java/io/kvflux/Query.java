package io.kvflux;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** A question to the core, put on the loop and answered on a lane. */
final class Query<T> extends Outlet {

    private final Shell shell;
    private final Supplier<T> question;
    private final MonoSink<T> sink;
    private @Nullable T answer;
    private @Nullable Throwable failure;

    private Query(Shell shell, Supplier<T> question, MonoSink<T> sink) {
        this.shell = shell;
        this.question = question;
        this.sink = sink;
    }

    static <T> Mono<T> ask(Shell shell, Supplier<T> question) {
        return Mono.create(sink -> shell.loop.raise(new Query<>(shell, question, sink)));
    }

    @Override
    void run() {
        try {
            shell.requireWhole();
            answer = question.get();
        } catch (RuntimeException refused) {
            failure = refused;
        }
        shell.clients.offer(this);
    }

    /** Some go through all that is cached. */
    @Override
    boolean isLong() {
        return true;
    }

    @Override
    void abort(Throwable cause) {
        failure = cause;
        shell.clients.offer(this);
    }

    @Override
    void deliver() {
        if (failure != null) {
            sink.error(failure);
        } else {
            sink.success(answer);
        }
    }
}
