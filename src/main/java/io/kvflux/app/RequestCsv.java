package io.kvflux.app;

import io.kvflux.sim.ReplayListener;
import io.kvflux.sim.RequestRow;

/** {@code --per-request}: one row for each request that ended. */
final class RequestCsv implements ReplayListener {

    private final Csv csv;

    RequestCsv(OutputFile file) {
        csv = new Csv(
                file,
                "index",
                "tenant",
                "inputTokens",
                "outputTokens",
                "hitTokens",
                "preemptions",
                "arrivalSeconds",
                "admittedSeconds",
                "firstTokenSeconds",
                "finishedSeconds",
                "outcome");
    }

    @Override
    public void onRequest(RequestRow row) {
        csv.row(
                row.index(),
                row.tenant(),
                row.inputTokens(),
                row.outputTokens(),
                row.hitTokens(),
                row.preemptions(),
                row.arrivalSeconds(),
                row.admittedSeconds(),
                row.firstTokenSeconds(),
                row.finishedSeconds(),
                row.outcome());
    }
}
