package io.kvflux.app;

import io.kvflux.core.SchedulerConfig;
import io.kvflux.models.ModelShape;
import io.kvflux.sim.Acceptance;
import io.kvflux.sim.CostModel;
import io.kvflux.sim.DeviceProfile;
import io.kvflux.sim.InputText;
import io.kvflux.sim.Speculation;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the options about speculation come to, their files read. */
final class SpeculationSetup {

    private final SpeculationOptions options;
    private final Drafting drafting;
    private final int draftTokens;
    private final Acceptance acceptance;
    private final @Nullable ModelShape draftModel;
    private String cost = "";

    private SpeculationSetup(SpeculationOptions options) {
        this.options = options;
        drafting = options.drafting();
        draftTokens = options.draftTokens(drafting);
        acceptance = acceptance(options.acceptance);
        draftModel = options.draftModel == null ? null : KvCaches.model(options.draftModel);
    }

    static SpeculationSetup of(SpeculationOptions options) {
        return new SpeculationSetup(options);
    }

    private static Acceptance acceptance(@Nullable String text) {
        if (text == null) {
            return Acceptance.of(SpeculationOptions.DEFAULT_ACCEPTANCE);
        }
        double rate;
        try {
            rate = InputText.decimal(text);
        } catch (NumberFormatException e) {
            if (!text.isBlank() && Files.exists(Path.of(text))) {
                return DraftFile.acceptance(Path.of(text));
            }
            throw new FailureException(
                    "--acceptance must be a probability from 0 to 1 or an existing file, --acceptance='" + text + "'",
                    e);
        }
        if (!(rate >= 0 && rate <= 1)) {
            throw new UsageException(
                    "--acceptance must be a probability from 0 to 1 or an existing file, --acceptance='" + text + "'");
        }
        return Acceptance.of(rate);
    }

    /** Drafts of a sequence in a round at most. */
    int draftTokens() {
        return draftTokens;
    }

    /** The models whose caches a sequence has. */
    List<ModelShape> modelsBeside(ModelShape model) {
        return draftModel == null ? List.of(model) : List.of(model, draftModel);
    }

    void configure(SchedulerConfig.Builder scheduler) {
        scheduler.draftPolicy(drafting.policy());
    }

    /** How drafts fare, null if nothing was said of them. */
    @Nullable
    Speculation speculation(DeviceProfile profile, CacheOptions cache, TimeOptions time) {
        return options.isGiven() ? new Speculation(acceptance, draftCost(profile, cache, time)) : null;
    }

    private CostModel draftCost(DeviceProfile profile, CacheOptions cache, TimeOptions time) {
        if (options.draftCost != null) {
            cost = options.draftCost + " s";
            return Speculation.parseCost(options.draftCost);
        }
        if (draftModel == null || time.stepCost != null) {
            cost = new BigDecimal(Double.toString(Speculation.DEFAULT_PASS_SECONDS))
                            .stripTrailingZeros()
                            .toPlainString()
                    + ",0 s";
            return Speculation.linearCost(Speculation.DEFAULT_PASS_SECONDS, 0);
        }
        if (draftModel.activeParameters() == 0) {
            throw new UsageException(
                    "the number of parameters of " + draftModel.name() + " is unknown, so give --draft-cost a,b");
        }
        cost = "roofline of " + profile.name();
        return CostModel.roofline(profile, ReplaySetup.work(draftModel), cache.tensorParallel);
    }

    /** Names and values for the report. */
    void describe(Map<String, String> rows) {
        if (!options.isGiven()) {
            return;
        }
        rows.put("speculation", drafting.text());
        rows.put("drafts a round", Integer.toString(draftTokens));
        rows.put(
                "acceptance",
                options.acceptance == null
                        ? Double.toString(SpeculationOptions.DEFAULT_ACCEPTANCE)
                        : options.acceptance);
        rows.put("draft cost", cost);
        if (draftModel != null) {
            rows.put("draft model", draftModel.name());
        }
    }
}
