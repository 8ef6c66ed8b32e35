package io.kvflux.soak;

import io.kvflux.api.QueueFullException;
import io.kvflux.memory.FaultyDeviceMemory.InjectedFaultException;
import java.lang.Thread.UncaughtExceptionHandler;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Hooks;

/**
 * Hears of what a thread threw and nobody caught, and of what Reactor dropped, from its making to its close: no client is
 * told of these. What was injected may be dropped. For the whole process, so there is one at a time.
 */
final class StrayFailures implements AutoCloseable {

    private final @Nullable UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();

    StrayFailures(Consumer<String> found) {
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) ->
                found.accept("thread " + thread.getName() + " threw what nobody caught: " + Sentences.causes(thrown)));
        Hooks.onErrorDropped(thrown -> {
            if (!mayBeDropped(thrown)) {
                found.accept("a failure was dropped, and nobody was told: " + Sentences.causes(thrown));
            }
        });
    }

    /** What a client may end by, and has not heard of because it had just left: injected, or a refusal of what it began. */
    private static boolean mayBeDropped(Throwable thrown) {
        return thrown instanceof InjectedFailure
                || thrown instanceof InjectedFaultException
                || thrown instanceof QueueFullException
                || (thrown instanceof IllegalArgumentException
                        && String.valueOf(thrown.getMessage())
                                .startsWith("only a live sequence of this scheduler can be forked"));
    }

    @Override
    public void close() {
        Thread.setDefaultUncaughtExceptionHandler(before);
        Hooks.resetOnErrorDropped();
    }
}
