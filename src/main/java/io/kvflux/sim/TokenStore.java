package io.kvflux.sim;

import io.kvflux.StepExecutor;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.PageArena;
import java.time.Duration;
import java.util.Map;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/**
 * An executor whose KV is the token itself: writes each token of a step into its slot, and before it samples reads the
 * whole sequence back through the block table. What it reads must be what the trace has, whoever computed it and whoever's
 * blocks these were before.
 */
final class TokenStore implements StepExecutor {

    /** No token of a trace. */
    private static final int GARBAGE = -2;

    private final ReplayOptions options;
    private final BlockArenas memory;
    private final Map<SequenceSpec, RealtimeReplay.Live> live;
    private final double speed;
    private final float[] page;
    private long freeNs = System.nanoTime();
    private volatile long checkedTokens;
    private volatile long verifiedRounds;

    TokenStore(ReplayOptions options, BlockArenas memory, Map<SequenceSpec, RealtimeReplay.Live> live, double speed) {
        this.options = options;
        this.memory = memory;
        this.live = live;
        this.speed = speed;
        page = new float[options.scheduler().pageSize()];
    }

    long checkedTokens() {
        return checkedTokens;
    }

    /** {@return entries that verified drafts} */
    long verifiedRounds() {
        return verifiedRounds;
    }

    @Override
    public Publisher<StepResult> execute(Step step) {
        StepResult result = new StepResult().reset(step);
        for (int replica = 0; replica < step.replicas(); replica++) {
            PageArena arena = memory.arena(0, replica, 0);
            for (int entry = step.firstEntry(replica); entry < step.firstEntry(replica + 1); entry++) {
                compute(step, entry, arena, result);
            }
        }
        // Steps of an overlapped loop queue up on the device, as they would on a stream.
        long now = System.nanoTime();
        freeNs = Math.max(now, freeNs) + (long) (StepCost.seconds(step, options) / speed * 1e9);
        return freeNs - now < 100_000
                ? Mono.just(result)
                : Mono.delay(Duration.ofNanos(freeNs - now)).thenReturn(result);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // steps are executed one at a time
    private void compute(Step step, int entry, PageArena arena, StepResult result) {
        RealtimeReplay.Live sequence = live.get(step.spec(entry));
        if (sequence == null) {
            for (int i = 0; i < step.tokenCount(entry); i++) {
                write(step, entry, arena, step.cacheLength(entry) + i, GARBAGE); // it has ended: nobody may read this
            }
            if (step.samples(entry)) {
                Decoding.answer(step, entry, null, result, options);
            }
            return;
        }
        int begin = sequence.decoding.begin(step, entry);
        int accepted = sequence.decoding.accepted(step, entry, options);
        int computed = begin + step.tokenCount(entry);
        int end = computed - step.drafts(entry) + accepted;
        for (int position = begin; position < end; position++) {
            write(step, entry, arena, position, sequence.token(position));
        }
        // Drafts that are rejected, and those made for the next round, leave something else.
        for (int position = end; position < Math.max(computed, end + step.granted(entry)); position++) {
            write(step, entry, arena, position, GARBAGE);
        }
        if (step.samples(entry)) {
            check(step, entry, end, arena, sequence);
            verifiedRounds += step.drafts(entry) > 0 ? 1 : 0;
            Decoding.answer(step, entry, sequence.decoding, result, options);
        }
    }

    private void write(Step step, int entry, PageArena arena, int position, int token) {
        page[0] = token;
        arena.write(step.block(entry, position / page.length), (long) position % page.length * Float.BYTES, page, 0, 1);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // steps are executed one at a time
    private void check(Step step, int entry, int length, PageArena arena, RealtimeReplay.Live sequence) {
        for (int from = 0; from < length; from += page.length) {
            int block = step.block(entry, from / page.length);
            int count = Math.min(page.length, length - from);
            arena.read(block, 0, page, 0, count);
            for (int i = 0; i < count; i++) {
                if (page[i] != sequence.token(from + i)) {
                    throw new IllegalStateException("a block table must lead to the tokens of its sequence, "
                            + step.sequence(entry) + ", position=" + (from + i) + ", block=" + block + ", expected="
                            + sequence.token(from + i) + ", read=" + page[i]);
                }
            }
        }
        checkedTokens += length;
    }
}
