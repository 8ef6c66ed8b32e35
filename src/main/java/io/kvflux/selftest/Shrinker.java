package io.kvflux.selftest;

import io.kvflux.BlockSchedulerBuilder;
import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.VictimRule;
import io.kvflux.tier.HostPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes a failing scenario short: leaves out clients and events and makes numbers smaller, one at a time, as long as it
 * still fails in the same way: wrong values are one way, whether they show as NaN, in logits or in a token.
 */
final class Shrinker {

    private static final int MOST_RUNS = 400;

    private final BooleanSupplier goOn;
    private ScenarioText shortest;
    private int runs;
    /** What was found in the shortest. */
    private @Nullable Finding finding;

    private @Nullable WatchedThread thread;
    private volatile SelftestResult.@Nullable Shrunk result;

    Shrinker(ScenarioText failing, BooleanSupplier goOn) {
        shortest = failing;
        this.goOn = goOn;
    }

    /** Shrinks as far as it gets, on a thread of its own. */
    void shrink(WatchedThread own) {
        thread = own;
        if (!fails(shortest)) {
            return;
        }
        ScenarioText before;
        do {
            before = shortest;
            shrinkClients();
            shrinkEvents();
            shrinkSettings();
        } while (shortest != before);
    }

    /** The shortest until now, from any thread; null if none has failed yet. */
    SelftestResult.@Nullable Shrunk shortest() {
        return result;
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
        lower("drafts", 0);
        set("draft", "false");
        set("credits", "0");
        set("distance", "0.0");
        set("drafting", Scenario.Drafting.FIXED.name().toLowerCase(Locale.ROOT));
        set("verify", "false");
        set("eviction", ScenarioText.LRU);
        set("growth", ScenarioText.NONE);
        set("levelling", "false");
        set("policy", QueuePolicy.FIFO.name().toLowerCase(Locale.ROOT));
        set("ageing", "" + SchedulerConfig.Builder.DEFAULT_AGEING);
        set("victim", VictimRule.LEAST_COST.name().toLowerCase(Locale.ROOT));
        set("watermark", "0.0");
        set("reserve", "true");
        set("readmit", "true");
        set("skips", "" + SchedulerConfig.Builder.DEFAULT_MAX_SKIPS);
        set("pending", "" + BlockSchedulerBuilder.DEFAULT_MAX_PENDING);
        set("preemption", PreemptionMode.AUTO.name().toLowerCase(Locale.ROOT));
        set("hostpolicy", HostPolicy.INCLUSIVE.name().toLowerCase(Locale.ROOT));
        set("ahead", "0.0");
        set("poison", "true");
        lower("disk", 0);
        lower("host", 0);
        lower("dp", 1);
        lower("overlap", 1);
        lower("tp", 1);
        lower("layers", 1);
        lower("buffer", 0);
        lower("chunk", 1);
        lower("batch", 1);
        lower("tokens", 1);
        lower("output", 1);
        lower("prompt", 1);
        lowerPage();
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

    /** Smaller pages, as many more of them as hold the same tokens. */
    private void lowerPage() {
        int to = 1;
        while (to < shortest.count("page")) {
            long tokens = (long) shortest.count("blocks") * shortest.count("page");
            ScenarioText smaller = shortest.with("page", "" + to).with("blocks", "" + (tokens + to - 1) / to);
            if (fails(smaller)) {
                return;
            }
            to = next(shortest.count("page"), to);
        }
    }

    private static int next(int now, int to) {
        return to + Math.max(1, (now - to) / 2);
    }

    private boolean fails(ScenarioText candidate) {
        if (runs >= MOST_RUNS || !goOn.getAsBoolean()) {
            return false;
        }
        Scenario scenario;
        try {
            scenario = candidate.scenario();
        } catch (IllegalArgumentException impossible) {
            return false;
        }
        Finding found = Objects.requireNonNull(thread).run(runs++, scenario).finding();
        if (found == null || (finding != null && !isSame(found, finding))) {
            return false;
        }
        shortest = candidate;
        finding = found;
        result = new SelftestResult.Shrunk(candidate.toString(), found.toString(), runs);
        return true;
    }

    private static boolean isSame(Finding one, Finding other) {
        return one.kind() == other.kind()
                || (one.kind().isWrongValue() && other.kind().isWrongValue());
    }
}
