package io.kvflux.selftest;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepInputs;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The reference models over the pages of a scheduler: computes entries of steps, and knows of a sequence only what the step
 * says. The first model chooses the tokens; the others, draft models, read along in caches of their own. For one thread.
 */
final class PagedModel {

    /** Steps after which a sampled token is sure to be known to the scheduler: the most that can be in flight. */
    private static final int MOST_IN_FLIGHT = 64;

    /** Chooses how tokens are chosen. */
    @FunctionalInterface
    interface Samplings {

        /** The sampling of a sequence; a fork has its parent's spec and a name of its own. */
        Sampling of(SequenceSpec spec, SequenceId sequence);
    }

    /** Hears of every token that is chosen. */
    @FunctionalInterface
    interface Probe {

        /** A model's logits, for the token at a position; valid during the call. */
        void chosenFrom(SequenceId sequence, int position, int model, float[] logits);
    }

    /** The newest token chosen for a sequence. */
    private record Sampled(long step, int position, int token) {}

    private final Samplings samplings;
    private final @Nullable Probe probe;
    private final ForwardPass[] passes;
    private final PagedCache[] caches;
    private final Map<SequenceId, Sampled> sampled = new HashMap<>();
    private int[] tokens = new int[16];
    private long forgottenUpTo;

    PagedModel(
            List<ReferenceModel> models,
            MultiKvCacheParams params,
            BlockArenas memory,
            Samplings samplings,
            @Nullable Probe probe) {
        this.samplings = samplings;
        this.probe = probe;
        passes = new ForwardPass[models.size()];
        caches = new PagedCache[models.size()];
        for (int i = 0; i < passes.length; i++) {
            passes[i] = new ForwardPass(models.get(i));
            caches[i] =
                    new PagedCache(memory, i, models.get(i).shape(), params.pageSize(), params.tensorParallelDegree());
        }
    }

    /** Computes an entry: writes the KV of its tokens, and gives the token chosen after them, if one is wanted; else -1. */
    int compute(Step step, int entry) {
        forgetOld(step.number());
        int replica = replicaOf(step, entry);
        StepInputs inputs = step.inputs();
        int from = inputs.cacheLengths(replica)[entry - step.firstEntry(replica)];
        int count = step.tokenCount(entry);
        SequenceId sequence = step.sequence(entry);
        read(step, entry, from, count);
        int chosen = -1;
        for (int i = passes.length - 1; i >= 0; i--) {
            caches[i].turnTo(step, replica, entry);
            float[] logits = passes[i].run(step.spec(entry), tokens, from, count, caches[i]);
            if (step.samples(entry)) {
                chosen = choose(step, entry, from + count, i, logits);
            }
        }
        if (chosen >= 0) {
            sampled.put(sequence, new Sampled(step.number(), from + count, chosen));
        }
        return chosen;
    }

    /** Leaves NaN in every slot that an entry was to write, as a device may that failed in the middle. */
    void garble(Step step, int entry) {
        int replica = replicaOf(step, entry);
        for (PagedCache cache : caches) {
            cache.turnTo(step, replica, entry);
            cache.garble(step.cacheLength(entry), step.tokenCount(entry));
        }
    }

    /** Whether nobody has written the slots that an entry is to write, since they were filled with the poison. */
    boolean isFresh(Step step, int entry) {
        int replica = replicaOf(step, entry);
        boolean fresh = true;
        for (PagedCache cache : caches) {
            cache.turnTo(step, replica, entry);
            fresh &= cache.isFresh(step.cacheLength(entry), step.tokenCount(entry));
        }
        return fresh;
    }

    private int choose(Step step, int entry, int position, int model, float[] logits) {
        if (probe != null) {
            probe.chosenFrom(step.sequence(entry), position, model, logits);
        }
        return model > 0
                ? -1
                : samplings.of(step.spec(entry), step.sequence(entry)).choose(logits, position);
    }

    private void read(Step step, int entry, int from, int count) {
        if (tokens.length < count) {
            tokens = new int[2 * count];
        }
        for (int i = 0; i < count; i++) {
            int token = step.token(entry, i);
            tokens[i] = token == Step.PENDING_TOKEN ? pending(step.sequence(entry), from + i) : token;
        }
    }

    private int pending(SequenceId sequence, int position) {
        Sampled newest = sampled.get(sequence);
        if (newest == null || newest.position() != position) {
            throw new IllegalStateException("only the token that was sampled last can be pending, sequence=" + sequence
                    + ", position=" + position + ", sampled=" + newest);
        }
        return newest.token();
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
