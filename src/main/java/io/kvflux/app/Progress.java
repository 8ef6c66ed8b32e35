package io.kvflux.app;

import io.kvflux.sim.ReplayListener;
import java.io.PrintWriter;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * The bar on stderr. The launcher says whether stderr is a terminal, and how wide: the JVM knows only about stdin and
 * stdout together, and answers differently from Java 22 on.
 */
final class Progress implements ReplayListener, AutoCloseable {

    /** Set by the launcher to the terminal's width when stderr is one. */
    private static final String COLUMNS = "kvflux.columns";

    private static final int UPDATE_MILLIS = 200;
    private static final int MAX_COLUMNS = 100;
    private static final String BACK_AND_CLEAR = "\r\033[K";

    private final PrintWriter err;
    private final ProgressBar bar;

    private Progress(PrintWriter err, int columns, String task, String unit, long total) {
        this.err = err;
        // A consumer of our own: the library's asks a terminal library, which starts processes and prints warnings.
        DelegatingProgressBarConsumer consumer =
                new DelegatingProgressBarConsumer(this::show, Math.min(columns - 1, MAX_COLUMNS));
        bar = new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .setUnit(unit, 1)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(UPDATE_MILLIS)
                .setConsumer(consumer)
                .build();
    }

    static boolean isWanted(boolean quiet) {
        return !quiet && columns() > 0;
    }

    static Progress start(PrintWriter err, String task, String unit, long total) {
        return new Progress(err, columns(), task, unit, total);
    }

    private static int columns() {
        return Integer.getInteger(COLUMNS, 0);
    }

    private void show(String line) {
        err.print("\r" + line.strip());
        err.flush();
    }

    @Override
    public void onProgress(long ended, long total) {
        bar.stepTo(ended);
    }

    @Override
    public void close() {
        bar.close();
        err.print(BACK_AND_CLEAR);
        err.flush();
    }
}
