package io.kvflux;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** One subscription of a disposal. Cancelling it does not bring the scheduler back. */
final class Closer extends Outlet {

    /** A hundred years: longer than anyone waits, and nanoseconds hold it. */
    private static final Duration LONGEST = Duration.ofDays(36_500);

    private final Shell shell;
    private final Duration patience;
    private final MonoSink<Void> sink;
    private @Nullable Throwable failure;
    private Disposable timer = Disposables.disposed();

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
        Duration bounded = patience.compareTo(LONGEST) < 0 ? patience : LONGEST;
        return Mono.create(sink -> shell.loop.raise(new Closer(shell, bounded, sink)));
    }

    @Override
    void run() {
        shell.add(this);
        if (patience.isZero()) {
            shell.end(null);
        } else {
            shell.closeSoon();
            timer = shell.after(patience, new Signal() {
                @Override
                void run() {
                    shell.end(null);
                }
            });
        }
    }

    void end(@Nullable Throwable cause) {
        failure = cause;
        timer.dispose();
        shell.clients.offer(this);
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
