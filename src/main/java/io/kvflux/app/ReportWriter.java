package io.kvflux.app;

import io.kvflux.sim.ReplayListener;
import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.Tick;

/** {@code --report} of a replay: collects what the charts need while it runs, then writes the page. */
final class ReportWriter implements ReplayListener {

    private final OutputFile file;
    private final ReplaySetup setup;
    private final TickSeries series = new TickSeries();

    ReportWriter(OutputFile file, ReplaySetup setup) {
        this.file = file;
        this.setup = setup;
    }

    @Override
    public void onTick(Tick tick) {
        series.add(tick);
    }

    void write(ReplayResult result) {
        new ReportPage(
                        "KvFlux replay",
                        result.summary().trace(),
                        "report.js",
                        ReportData.json(result, series.points(), setup.options().cacheOnly()),
                        ReportHtml.head(result, setup),
                        ReportHtml.tables(result, setup))
                .write(file);
    }
}
