package io.kvflux;

import io.kvflux.core.SchedulerCore;
import java.util.function.Consumer;

/** Something the core is to do, of which nobody waits to hear. */
final class Command extends Signal {

    private final Shell shell;
    private final Consumer<SchedulerCore> what;

    private Command(Shell shell, Consumer<SchedulerCore> what) {
        this.shell = shell;
        this.what = what;
    }

    static void give(Shell shell, Consumer<SchedulerCore> what) {
        shell.loop.raise(new Command(shell, what));
    }

    @Override
    void run() {
        if (shell.isWhole()) {
            what.accept(shell.core);
        }
    }
}
