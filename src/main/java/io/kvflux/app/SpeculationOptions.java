package io.kvflux.app;

import io.kvflux.sim.Speculation;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether and how tokens are drafted, how drafts fare, and what they cost. */
final class SpeculationOptions {

    static final int DEFAULT_DRAFT_TOKENS = 5;
    static final double DEFAULT_ACCEPTANCE = 0.8;

    @Option(
            names = "--speculation",
            paramLabel = "P",
            description = "Who drafts how much: off, fixed:K, table:FILE (by batch size) or adaptive. Default: off;"
                    + " adaptive where --num-draft-tokens or --draft-model is given.")
    @Nullable
    String speculation;

    @Option(
            names = "--num-draft-tokens",
            paramLabel = "K",
            converter = Converters.DraftTokens.class,
            description = "Most drafts of a sequence in a round. Default: those of fixed:K or of the table, "
                    + DEFAULT_DRAFT_TOKENS + " for adaptive.")
    @Nullable
    Integer numDraftTokens;

    @Option(
            names = "--acceptance",
            paramLabel = "A|FILE",
            description = "How often a draft is accepted when those before it were: a probability, or a file with rates"
                    + " by position or by sequence. Default: " + DEFAULT_ACCEPTANCE + ".")
    @Nullable
    String acceptance;

    @Option(
            names = "--draft-cost",
            paramLabel = "a,b",
            description = "Seconds of drafting: a for each draft of a step's longest chain, b for each draft made."
                    + " Default: roofline of --draft-model on the device profile, else "
                    + Speculation.DEFAULT_PASS_SECONDS
                    + ",0.")
    @Nullable
    String draftCost;

    @Option(
            names = "--draft-model",
            paramLabel = "NAME|FILE",
            description =
                    "Model that drafts: preset or config.json. Its cache lies beside the model's, and a block costs"
                            + " the sum of both. Default: none, as if the model drafted itself.",
            completionCandidates = ModelNames.class)
    @Nullable
    String draftModel;

    /** Whether anything was said that has somebody draft, or nobody. */
    boolean isGiven() {
        return speculation != null || numDraftTokens != null || draftModel != null;
    }

    /** Reads the policy and its table. */
    Drafting drafting() {
        if (speculation != null) {
            return Drafting.parse(speculation);
        }
        return isGiven() ? Drafting.ADAPTIVE : Drafting.OFF;
    }

    /** Drafts that the caches have slots for. */
    int draftTokens(Drafting drafting) {
        if (numDraftTokens == null) {
            return drafting.equals(Drafting.ADAPTIVE) ? DEFAULT_DRAFT_TOKENS : drafting.mostDrafts();
        }
        if (drafting.mostDrafts() > numDraftTokens) {
            throw new UsageException("--speculation " + drafting.text() + " drafts more than --num-draft-tokens allows,"
                    + " drafts=" + drafting.mostDrafts() + ", --num-draft-tokens=" + numDraftTokens);
        }
        return numDraftTokens;
    }

    /** Adds the files that are read, by the options that name them. */
    void putInputs(Map<String, Path> inputs) {
        if (acceptance != null) {
            inputs.put("--acceptance", Path.of(acceptance));
        }
        if (draftModel != null) {
            inputs.put("--draft-model", Path.of(draftModel));
        }
        if (speculation != null && speculation.startsWith(Drafting.TABLE)) {
            inputs.put("--speculation", Path.of(speculation.substring(Drafting.TABLE.length())));
        }
    }
}
