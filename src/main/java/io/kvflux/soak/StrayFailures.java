package io.kvflux.soak;

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
            if (!(thrown instanceof InjectedFailure || thrown instanceof InjectedFaultException)) {
                found.accept("a failure was dropped, and nobody was told: " + Sentences.causes(thrown));
            }
        });
    }

    @Override
    public void close() {
        Thread.setDefaultUncaughtExceptionHandler(before);
        Hooks.resetOnErrorDropped();
    }
}
