package io.kvflux.app;

import io.kvflux.sim.ReplayListener;
import io.kvflux.sim.Tick;

/** {@code --ticks}: one row for each simulated second. */
final class TickCsv implements ReplayListener {

    private final Csv csv;

    TickCsv(OutputFile file) {
        csv = new Csv(
                file,
                "seconds",
                "running",
                "waiting",
                "heldBlocks",
                "cachedBlocks",
                "totalBlocks",
                "promptTokens",
                "outputTokens",
                "promptBlocks",
                "hitBlocks",
                "preemptions",
                "availableBlocks",
                "grantedDrafts",
                "acceptedDrafts",
                "rejectedDrafts");
    }

    @Override
    public void onTick(Tick tick) {
        csv.row(
                tick.seconds(),
                tick.running(),
                tick.waiting(),
                tick.heldBlocks(),
                tick.cachedBlocks(),
                tick.totalBlocks(),
                tick.promptTokens(),
                tick.outputTokens(),
                tick.promptBlocks(),
                tick.hitBlocks(),
                tick.preemptions(),
                tick.availableBlocks(),
                tick.grantedDrafts(),
                tick.acceptedDrafts(),
                tick.rejectedDrafts());
    }
}
