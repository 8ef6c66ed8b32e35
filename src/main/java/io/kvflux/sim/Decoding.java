package io.kvflux.sim;

import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import org.jspecify.annotations.Nullable;

/** What a simulated device knows of one sequence: the tokens it has sampled, and the drafts it has made for the next entry. */
final class Decoding {

    private final SimRequest request;
    private int sampled;
    private int drafted;

    Decoding(SimRequest request) {
        this.request = request;
    }

    /** Where an entry begins, which the drafts that were not accepted move forward. */
    int begin(Step step, int entry) {
        int planned = step.cacheLength(entry);
        int begin = step.isPrefill(entry) ? planned : request.inputLength() + sampled - 1;
        if (begin > planned || begin < planned - step.unverified(entry)) {
            throw new IllegalStateException(
                    "an entry begins after the last token of its sequence, " + step.sequence(entry) + ", begin=" + begin
                            + ", planned=" + planned + ", unverified=" + step.unverified(entry));
        }
        return begin;
    }

    /** How many of an entry's drafts are accepted. */
    int accepted(Step step, int entry, ReplayOptions options) {
        int drafts = Math.min(step.drafts(entry), drafted);
        int accepted = 0;
        while (accepted < drafts && isRight(sampled + accepted, accepted, options)) {
            accepted++;
        }
        return accepted;
    }

    private boolean isRight(int outputPosition, int position, ReplayOptions options) {
        return options.requireSpeculation()
                .acceptance()
                .isRight(options.seed(), request.index(), outputPosition, position);
    }

    /**
     * Answers an entry that samples: drafts accepted, the token after them, and all drafts that were granted.
     *
     * @param entry of the step and of the result
     * @param of what is known of its sequence, null if it has ended: then the answer is void
     */
    static void answer(Step step, int entry, @Nullable Decoding of, StepResult result, ReplayOptions options) {
        int accepted = of == null ? 0 : of.accepted(step, entry, options);
        if (step.drafts(entry) > 0) {
            result.accepted(entry, accepted);
        }
        if (of == null) {
            result.token(entry, SimRequest.STOP_TOKEN);
            return;
        }
        result.token(entry, of.output(of.sampled + accepted));
        of.sampled += accepted + 1;
        of.drafted = step.granted(entry);
        for (int i = 0; i < of.drafted; i++) {
            int token = of.output(of.sampled + i);
            boolean right = of.isRight(of.sampled + i, i, options);
            result.draft(entry, right ? token : (token + 1) % SimRequest.STOP_TOKEN);
        }
    }

    /** A token of the output; after its end it is void what is computed. */
    private int output(int position) {
        return position < request.outputLength() ? request.outputToken(position) : SimRequest.STOP_TOKEN;
    }
}
