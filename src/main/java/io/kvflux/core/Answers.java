package io.kvflux.core;

import io.kvflux.api.FinishReason;
import io.kvflux.api.StepResult;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Takes what a step gave: tokens, what became of drafts, and that the KV of what it computed exists now. */
final class Answers {

    private final SchedulerConfig config;
    private final Replica[] replicas;
    private final @Nullable Swapper swapper;
    private final @Nullable Drafts drafts;
    private final Endings endings;
    private final Telling telling;
    private final @Nullable OutputLengths lengths;

    Answers(
            SchedulerConfig config,
            Replica[] replicas,
            @Nullable Swapper swapper,
            @Nullable Drafts drafts,
            Endings endings,
            Telling telling,
            @Nullable OutputLengths lengths) {
        this.config = config;
        this.replicas = replicas;
        this.swapper = swapper;
        this.drafts = drafts;
        this.endings = endings;
        this.telling = telling;
        this.lengths = lengths;
    }

    /** Takes all of it, by entry; what was voided is passed over. */
    void take(StepPlan plan, StepResult result) {
        int entry = 0;
        for (EntryList part : plan.parts) {
            for (int i = 0; i < part.size; i++, entry++) {
                if (!part.voided[i]) {
                    take(part, i, result, entry);
                }
            }
        }
    }

    private void take(EntryList part, int entry, StepResult result, int at) {
        Sequence sequence = part.sequences[entry];
        Throwable failure = drafts == null ? result.failure(at) : drafts.failure(part, entry, result, at);
        if (drafts != null && (failure != null || sequence.state == Sequence.State.FINISHED)) {
            drafts.lost(part, entry);
        }
        if (sequence.state == Sequence.State.FINISHED) {
            return;
        }
        if (failure != null) {
            endings.finish(sequence, FinishReason.FAILED, failure);
            return;
        }
        boolean current = part.epochs[entry] == sequence.epoch;
        int accepted = part.drafts[entry] == 0 ? 0 : result.accepted(at);
        int firstNew = sequence.length;
        boolean ends = part.samples[entry] && takeTokens(part, entry, accepted, result.token(at));
        if (current) {
            int computed = sequence.computed + part.counts[entry] - part.drafts[entry] + accepted;
            sequence.computed = Math.min(computed, sequence.length); // a stop token may be among the drafts
        }
        if (drafts != null && part.samples[entry]) {
            drafts.answered(part, entry, result, at, firstNew, current && sequence.placedIn == result.step());
        }
        if (current && config.prefixCaching()) {
            int from = sequence.table.committed();
            int full = sequence.computed / config.pageSize();
            if (full > from) {
                replicas[sequence.replica].pool.commit(sequence.table, sequence.tokens, full, sequence.keys);
                if (swapper != null) {
                    swapper.committed(sequence, from, full);
                }
            }
        }
        if (ends) {
            endings.finish(sequence, sequence.atStop() ? FinishReason.STOP : FinishReason.LENGTH, null);
        }
    }

    /** Takes the drafts that were accepted and the token sampled after them, up to one that ends the sequence: whether one did. */
    private boolean takeTokens(EntryList part, int entry, int accepted, int token) {
        Sequence sequence = part.sequences[entry];
        sequence.pending -= 1 + part.drafts[entry];
        boolean goesOn = true;
        for (int i = 0; i < accepted && goesOn; i++) {
            goesOn = takeToken(sequence, drafts(part, entry, sequence)[i]);
        }
        return !goesOn || !takeToken(sequence, token);
    }

    private static int[] drafts(EntryList part, int entry, Sequence sequence) {
        return part.streams[entry] > 0 ? part.draftIds[entry] : Objects.requireNonNull(sequence.drafts).ids;
    }

    private boolean takeToken(Sequence sequence, int token) {
        sequence.append(token);
        if (lengths != null) {
            lengths.generated(sequence);
        }
        telling.token(sequence, token);
        return !sequence.atStop() && !sequence.atLimit();
    }
}
