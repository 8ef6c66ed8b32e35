package io.kvflux.selftest;

import io.kvflux.core.QueuePolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Makes a failing scenario short: leaves out clients and events and makes numbers smaller, one at a time, as long as it
 * still fails in the same way: wrong values are one way, whether they show as NaN, in logits or in a token.
 */
final class Shrinker {

    private static final int MOST_RUNS = 400;

    private final TestDevice device;
    private ScenarioText shortest;
    private Finding finding;
    private int runs;

    Shrinker(Scenario failing, Finding finding, TestDevice device) {
        shortest = ScenarioText.of(failing);
        this.finding = finding;
        this.device = device;
    }

    /** Shrinks as far as it gets. */
    Shrinker shrink() {
        ScenarioText before;
        do {
            before = shortest;
            shrinkClients();
            shrinkEvents();
            shrinkSettings();
        } while (shortest != before);
        return this;
    }

    ScenarioText shortest() {
        return shortest;
    }

    Finding finding() {
        return finding;
    }

    int runs() {
        return runs;
    }

    private void shrinkClients() {
        for (int size = Math.max(1, shortest.clients().size() / 2); size >= 1; size /= 2) {
            for (int from = 0; from < shortest.clients().size(); ) {
                List<Integer> fewer = new ArrayList<>(shortest.clients());
                fewer.subList(from, Math.min(fewer.size(), from + size)).clear();
                if (fewer.isEmpty() || !fails(shortest.with("clients", ScenarioText.join(fewer)))) {
                    from += size;
                }
            }
        }
    }

    private void shrinkEvents() {
        for (Event event : shortest.events()) {
            Set<Event> fewer = shortest.events();
            fewer.remove(event);
            fails(shortest.with("events", fewer.isEmpty() ? ScenarioText.NONE : ScenarioText.names(fewer)));
        }
    }

    private void shrinkSettings() {
        set("draft", "false");
        set("verify", "false");
        set("policy", QueuePolicy.FIFO.name().toLowerCase(Locale.ROOT));
        set("watermark", "0.0");
        lower("dp", 1);
        lower("overlap", 1);
        lower("tp", 1);
        lower("layers", 1);
        lower("buffer", 0);
        lower("chunk", 1);
        lower("output", 1);
        lower("prompt", 1);
        lower("blocks", 1);
    }

    private void set(String field, String value) {
        if (!shortest.get(field).equals(value)) {
            fails(shortest.with(field, value));
        }
    }

    /** Tries the least first, then what halves the distance, down to one less. */
    private void lower(String field, int least) {
        int to = least;
        while (to < shortest.count(field)) {
            if (fails(shortest.with(field, String.valueOf(to)))) {
                return; // everything lower has been tried
            }
            to = next(shortest.count(field), to);
        }
    }

    private static int next(int now, int to) {
        return to + Math.max(1, (now - to) / 2);
    }

    private boolean fails(ScenarioText candidate) {
        if (runs >= MOST_RUNS) {
            return false;
        }
        Scenario scenario;
        try {
            scenario = candidate.scenario();
        } catch (IllegalArgumentException impossible) {
            return false;
        }
        runs++;
        Finding found = ScenarioRun.of(scenario, device).finding();
        boolean same = found != null
                && found.kind().isWrongValue() == finding.kind().isWrongValue()
                && (found.kind().isWrongValue() || found.kind() == finding.kind());
        if (same && found != null) {
            shortest = candidate;
            finding = found;
        }
        return same;
    }
}
