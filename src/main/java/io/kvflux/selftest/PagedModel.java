package io.kvflux.selftest;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The reference models over the pages of a scheduler: computes entries of steps, and knows of a sequence only what the step
 * says. The first model chooses the tokens; the others, draft models, read along in caches of their own, and the first of
 * them drafts. For one thread.
 *
 * <p>A draft's KV is written once, when the next one is drafted from it, and stays: when the drafts are verified, the drafter
 * computes what it has not computed yet, and always the last token, whose slot may have been given back in between.
 */
final class PagedModel {

    /** Steps after which a sampled token is sure to be known to the scheduler: the most that can be in flight. */
    private static final int MOST_IN_FLIGHT = 64;

    private static final int DRAFTER = 1;
    private static final int[] NO_DRAFTS = {};

    /** Chooses how tokens are chosen. */
    @FunctionalInterface
    interface Samplings {

        /** The sampling of a sequence; a fork has its parent's spec and a name of its own. */
        Sampling of(SequenceSpec spec, SequenceId sequence);
    }

    /** Hears of every token that is chosen, and of every draft. */
    interface Probe {

        /** A model's logits, for the token at a position; valid during the call. */
        void chosenFrom(SequenceId sequence, int position, int model, float[] logits);

        /** The drafter's logits for a draft, the one of an index from 0 after the token sampled at a position. */
        void draftedFrom(SequenceId sequence, int position, int index, float[] logits);
    }

    /**
     * What an entry gave.
     *
     * @param position of the token that was sampled, or of the first that was not computed
     * @param token sampled; -1 if none was to be
     * @param verified drafts that were there to verify: fewer than the entry says where fewer were made
     * @param accepted of those, the first ones
     * @param drafts made for the next round
     */
    record Answer(int position, int token, int verified, int accepted, int[] drafts) {

        /** What comes of an entry that is void. */
        static final Answer VOID = new Answer(0, 0, 0, 0, NO_DRAFTS);

        void tell(Step step, int entry, StepResult result) {
            if (step.drafts(entry) > 0) {
                result.accepted(entry, accepted);
            }
            if (step.samples(entry)) {
                result.token(entry, token);
            }
            for (int draft : drafts) {
                result.draft(entry, draft);
            }
        }
    }

    /**
     * The newest token chosen for a sequence, and what was drafted after it.
     *
     * @param written no slot from here on was written for it since it has its blocks
     */
    private record Sampled(long step, int position, int token, int[] drafts, int written) {

        /** Where the drafter's KV ends. */
        int drafted() {
            return position + drafts.length;
        }
    }

    private final Samplings samplings;
    private final @Nullable Probe probe;
    private final ForwardPass[] passes;
    private final PagedCache[] caches;
    private final int pageSize;
    private final boolean speculates;
    private final Map<SequenceId, Sampled> sampled = new HashMap<>();
    private int[] tokens = new int[16];
    private long forgottenUpTo;

    PagedModel(
            List<ReferenceModel> models,
            MultiKvCacheParams params,
            BlockArenas memory,
            AttentionPlace place,
            Samplings samplings,
            @Nullable Probe probe) {
        this.samplings = samplings;
        this.probe = probe;
        pageSize = params.pageSize();
        speculates = params.numDraftTokens() > 0;
        passes = new ForwardPass[models.size()];
        caches = new PagedCache[models.size()];
        for (int i = 0; i < passes.length; i++) {
            passes[i] = new ForwardPass(models.get(i));
            caches[i] =
                    new PagedCache(memory, i, models.get(i).shape(), pageSize, params.tensorParallelDegree(), place);
        }
    }

    /**
     * Computes an entry: writes the KV of its tokens, chooses the token after them if one is wanted, and drafts.
     *
     * @param drafts to make for the next round; none are made without a draft model
     */
    Answer compute(Step step, int entry, int drafts) {
        forgetOld(step.number());
        int from = begin(step, entry);
        int verified = verified(step, entry);
        int count = step.tokenCount(entry) - step.drafts(entry) + verified;
        read(step, entry, from, count);
        Answer answer = verify(step, entry, from, count, verified);
        for (int model = 1; model < passes.length; model++) {
            readAlong(step, entry, model, from, count, answer.position());
        }
        if (!step.samples(entry)) {
            return answer;
        }
        int[] made = passes.length > DRAFTER && drafts > 0 ? draft(step, entry, answer, drafts) : NO_DRAFTS;
        int written = Math.max(written(step, entry), Math.max(from + count, answer.position() + made.length));
        sampled.put(step.sequence(entry), new Sampled(step.number(), answer.position(), answer.token(), made, written));
        return new Answer(answer.position(), answer.token(), verified, answer.accepted(), made);
    }

    /** The target model: of drafts the first that it would have chosen are accepted, and then it chooses. */
    private Answer verify(Step step, int entry, int from, int count, int verified) {
        turnTo(step, entry, 0);
        passes[0].run(step.spec(entry), tokens, from, count, caches[0]);
        if (!step.samples(entry)) {
            return new Answer(from + count, -1, 0, 0, NO_DRAFTS);
        }
        Sampling sampling = samplings.of(step.spec(entry), step.sequence(entry));
        for (int accepted = 0; ; accepted++) {
            int next = count - verified + accepted;
            float[] logits = passes[0].logitsAfter(next - 1);
            tell(step, entry, from + next, 0, logits);
            int token = sampling.choose(logits, from + next);
            if (accepted == verified || token != tokens[next]) {
                return new Answer(from + next, token, verified, accepted, NO_DRAFTS);
            }
        }
    }

    /** Another model computes the same tokens, the drafter those that it has not computed yet. */
    private void readAlong(Step step, int entry, int model, int from, int count, int position) {
        Sampled before = step.isPrefill(entry) ? null : sampled.get(step.sequence(entry));
        int known = model == DRAFTER && before != null && before.position() == from ? before.drafted() : from;
        int first = Math.max(from, Math.min(known, from + count - 1));
        turnTo(step, entry, model);
        int[] rest = first == from ? tokens : Arrays.copyOfRange(tokens, first - from, count);
        passes[model].run(step.spec(entry), rest, first, from + count - first, caches[model]);
        if (step.samples(entry) && position > first) {
            tell(step, entry, position, model, passes[model].logitsAfter(position - 1 - first));
        }
    }

    /** Drafts one after another, each from the KV of those before it. */
    private int[] draft(Step step, int entry, Answer answer, int drafts) {
        Sampling sampling = samplings.of(step.spec(entry), step.sequence(entry));
        turnTo(step, entry, DRAFTER);
        int[] made = new int[drafts];
        int[] one = {answer.token()};
        for (int i = 0; i < drafts; i++) {
            int position = answer.position() + i;
            float[] logits = passes[DRAFTER].run(step.spec(entry), one, position, 1, caches[DRAFTER]);
            if (probe != null) {
                probe.draftedFrom(step.sequence(entry), answer.position(), i, logits);
            }
            made[i] = sampling.choose(logits, position + 1);
            one[0] = made[i];
        }
        return made;
    }

    /** Leaves NaN in every slot that an entry was to write, as a device may that failed in the middle. */
    void garble(Step step, int entry) {
        for (int i = 0; i < caches.length; i++) {
            turnTo(step, entry, i);
            caches[i].garble(step.cacheLength(entry), step.tokenCount(entry) + step.granted(entry));
        }
    }

    /**
     * Whether nobody else has written the slots that an entry and its drafter are to write, since they were filled with the
     * poison.
     *
     * @param ahead whether the slots of drafts are looked at too, and those in between if it begins earlier than it says: they are
     *     those of the next step, which may have failed first
     */
    boolean isFresh(Step step, int entry, boolean ahead) {
        int begin = begin(step, entry);
        int from = Math.max(begin, written(step, entry));
        int end = ahead
                ? step.cacheLength(entry) + step.tokenCount(entry) + step.granted(entry)
                : begin + step.tokenCount(entry);
        boolean fresh = true;
        for (int i = 0; i < caches.length; i++) {
            turnTo(step, entry, i);
            fresh &= caches[i].isFresh(from, end - from);
        }
        return fresh;
    }

    /**
     * Where the slots end that a sequence may have written before an entry, with drafts that were rejected: where it knows, as
     * far as it wrote; in a tail that is brought back, and of one that waited so long that it is not remembered, to the end
     * of the page.
     */
    private int written(Step step, int entry) {
        Sampled before = sampled.get(step.sequence(entry));
        if (speculates && step.isPrefill(entry) == (before != null)) {
            return (step.cacheLength(entry) + pageSize - 1) / pageSize * pageSize;
        }
        return before == null || step.isPrefill(entry) ? 0 : before.written();
    }

    /** Where an entry begins: earlier than it says by the drafts that were not accepted since it was planned. */
    private int begin(Step step, int entry) {
        int replica = replicaOf(step, entry);
        int from = step.inputs().cacheLengths(replica)[entry - step.firstEntry(replica)];
        if (step.token(entry, 0) != Step.PENDING_TOKEN) {
            return from;
        }
        Sampled newest = sampled.get(step.sequence(entry));
        boolean begins =
                newest != null && newest.position() <= from && newest.position() >= from - step.unverified(entry);
        require(begins, "only the token that was sampled last can be pending", step, entry, newest);
        return Objects.requireNonNull(newest).position();
    }

    /** Drafts that there are to verify. */
    private int verified(Step step, int entry) {
        if (step.drafts(entry) == 0 || step.token(entry, step.tokenCount(entry) - 1) != Step.PENDING_TOKEN) {
            return step.drafts(entry);
        }
        Sampled newest = Objects.requireNonNull(sampled.get(step.sequence(entry)));
        return Math.min(step.drafts(entry), newest.drafts().length);
    }

    private void read(Step step, int entry, int from, int count) {
        if (tokens.length < count) {
            tokens = new int[2 * count];
        }
        Sampled newest = sampled.get(step.sequence(entry));
        int plain = step.tokenCount(entry) - step.drafts(entry);
        for (int i = 0; i < count; i++) {
            int token = step.token(entry, i);
            if (newest != null && i >= plain && newest.drafts().length > 0) {
                int made = i - plain < newest.drafts().length ? newest.drafts()[i - plain] : Step.PENDING_TOKEN;
                require(
                        token == Step.PENDING_TOKEN || token == made,
                        "a draft is one that was made",
                        step,
                        entry,
                        newest);
                tokens[i] = made;
            } else if (token == Step.PENDING_TOKEN) {
                boolean last = newest != null && newest.position() == from + i;
                require(last, "only the token that was sampled last can be pending", step, entry, newest);
                tokens[i] = Objects.requireNonNull(newest).token();
            } else {
                tokens[i] = token;
            }
        }
    }

    private static void require(boolean holds, String rule, Step step, int entry, @Nullable Sampled newest) {
        if (!holds) {
            throw new IllegalStateException(rule + ", sequence=" + step.sequence(entry) + ", cacheLength="
                    + step.cacheLength(entry) + ", unverified=" + step.unverified(entry) + ", sampled=" + newest);
        }
    }

    private void turnTo(Step step, int entry, int model) {
        caches[model].turnTo(step, replicaOf(step, entry), entry);
    }

    private void tell(Step step, int entry, int position, int model, float[] logits) {
        if (probe != null) {
            probe.chosenFrom(step.sequence(entry), position, model, logits);
        }
    }

    private void forgetOld(long step) {
        if (step > forgottenUpTo) {
            forgottenUpTo = step;
            sampled.values().removeIf(old -> old.step() < step - MOST_IN_FLIGHT);
        }
    }

    static int replicaOf(Step step, int entry) {
        int replica = 0;
        while (entry >= step.firstEntry(replica + 1)) {
            replica++;
        }
        return replica;
    }
}
