package io.kvflux.soak;

import io.kvflux.api.SchedulerMetrics;
import java.util.LinkedHashMap;
import java.util.Map;

/** What was tried, added up over all lives. */
final class SoakCounts {

    private final Map<String, Long> counts = new LinkedHashMap<>();

    private void add(String name, long count) {
        counts.merge(name, count, Long::sum);
    }

    void add(Life life) {
        SchedulerMetrics metrics = life.scheduler().metrics();
        add("finished", metrics.finished());
        add("cancelled by clients", metrics.cancelled());
        add("failed by injected faults", metrics.failed());
        add("refused", metrics.refused());
        add("steps", metrics.stepsCompleted());
        add("steps failed", metrics.stepsFailed());
        add("prompt tokens", metrics.promptTokens());
        add("of those cached", metrics.cachedTokens());
        add("generated tokens", metrics.generatedTokens());
        add("tokens of pages compared", life.model().checkedTokens());
        add("preemptions", metrics.preemptions());
        add("of those to the host", metrics.offloadPreemptions());
        add("blocks offloaded", metrics.offloadedBlocks());
        add("blocks onloaded", metrics.onloadedBlocks());
        add("pages stored on disk", metrics.diskStoredBlocks());
        add("pages fetched from disk", metrics.diskFetchedBlocks());
        add("transfers failed", metrics.transfersFailed());
        add("drafts accepted", metrics.draftsAccepted());
        add("drafts rejected", metrics.draftsRejected());
        add("drafts aborted", metrics.draftsAborted());
        add("drafters failed", metrics.draftersFailed());
    }

    void add(long forks, long verified) {
        add("forks", forks);
        add("whole structure checked", verified);
    }

    Map<String, Long> all() {
        return new LinkedHashMap<>(counts);
    }
}
