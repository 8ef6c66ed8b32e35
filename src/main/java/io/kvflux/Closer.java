package io.kvflux;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** One subscription of a disposal. Cancelling it does not bring the scheduler back. */
final class Closer extends Outlet {

    private final Shell shell;
    private final Duration patience;
    private final MonoSink<Void> sink;
    private @Nullable Throwable failure;

    private Closer(Shell shell, Duration patience, MonoSink<Void> sink) {
        this.shell = shell;
        this.patience = patience;
        this.sink = sink;
    }

    /** Disposes at subscription; sequences get the time to end by themselves. */
    static Mono<Void> close(Shell shell, Duration patience) {
        if (Objects.requireNonNull(patience, "patience").isNegative()) {
            throw new IllegalArgumentException("patience must not be negative, patience=" + patience);
        }
        return Mono.create(sink -> shell.loop.raise(new Closer(shell, patience, sink)));
    }

    @Override
    void run() {
        if (patience.isZero()) {
            shell.end(null);
        } else {
            shell.closeSoon();
            shell.after(patience, new Signal() {
                @Override
                void run() {
                    shell.end(null);
                }
            });
        }
        shell.add(this);
    }

    void end(@Nullable Throwable cause) {
        failure = cause;
        shell.inner.offer(this);
    }

    @Override
    void deliver() {
        if (failure == null) {
            sink.success();
        } else {
            sink.error(failure);
        }
    }
}
