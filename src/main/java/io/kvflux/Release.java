package io.kvflux;

import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Schedulers;

/** Gives the device memory back: off the loop, and on a thread that may block, because a device may take its time. */
final class Release extends Outlet {

    private final Shell shell;
    private final Runnable memory;
    private volatile @Nullable Throwable failure;

    Release(Shell shell, Runnable memory) {
        this.shell = shell;
        this.memory = memory;
    }

    @Override
    void deliver() {
        if (Schedulers.isInNonBlockingThread()) {
            Schedulers.boundedElastic().schedule(this::release);
        } else {
            release();
        }
    }

    private void release() {
        try {
            memory.run();
        } catch (RuntimeException | Error thrown) {
            failure = thrown;
        }
        shell.loop.raise(this);
    }

    @Override
    void run() {
        shell.released();
    }

    @Nullable
    Throwable failure() {
        return failure;
    }
}
