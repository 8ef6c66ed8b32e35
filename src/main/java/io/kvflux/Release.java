package io.kvflux;

import org.jspecify.annotations.Nullable;

/** Gives the device memory back, off the loop because a device may take its time. */
final class Release extends Outlet {

    private final Shell shell;
    private final Runnable release;
    private volatile @Nullable Throwable failure;

    Release(Shell shell, Runnable release) {
        this.shell = shell;
        this.release = release;
    }

    @Override
    void deliver() {
        try {
            release.run();
        } catch (RuntimeException thrown) {
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
