package io.kvflux;

import io.kvflux.core.SchedulerConfig;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** One subscription of a drafter. */
final class DrafterRun extends Outlet implements Disposable {

    final Drafter drafter;
    private final Shell shell;
    private final MonoSink<Void> sink;
    private volatile boolean disposed;
    private boolean opened;
    private @Nullable Throwable failure;

    private DrafterRun(Shell shell, Drafter drafter, MonoSink<Void> sink) {
        this.shell = shell;
        this.drafter = drafter;
        this.sink = sink;
    }

    static Mono<Void> of(Shell shell, Drafter drafter) {
        Objects.requireNonNull(drafter, "drafter");
        if (!shell.settings.config().speculates()) {
            throw new IllegalStateException("a drafter needs caches with draft tokens and a policy that is not off,"
                    + " numDraftTokens=" + shell.settings.config().caches().numDraftTokens());
        }
        SchedulerConfig config = shell.settings.config();
        if (config.maxInFlightDraftTokens() <= config.maxStepsInFlight()) {
            throw new IllegalStateException("a drafter needs a credit for each step in flight, which samples a position"
                    + " itself, and one more: maxInFlightDraftTokens must be more than maxStepsInFlight,"
                    + " maxInFlightDraftTokens=" + config.maxInFlightDraftTokens() + ", maxStepsInFlight="
                    + config.maxStepsInFlight());
        }
        return Mono.create(sink -> {
            DrafterRun run = new DrafterRun(shell, drafter, sink);
            sink.onDispose(run);
            shell.loop.raise(run);
        });
    }

    @Override
    public void dispose() {
        disposed = true;
        shell.loop.raise(this);
    }

    @Override
    void run() {
        if (disposed) {
            shell.drafting.close(this);
        } else if (!opened) {
            opened = true;
            shell.drafting.open(this);
        }
    }

    @Override
    void abort(Throwable cause) {
        end(cause);
    }

    void end(@Nullable Throwable cause) {
        failure = cause;
        shell.clients.offer(this);
    }

    @Override
    void deliver() {
        if (disposed) {
            return; // nobody listens
        }
        if (failure == null) {
            sink.success();
        } else {
            sink.error(failure);
        }
    }
}
