package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.draft.DraftLedger;
import io.kvflux.draft.DraftPolicy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Drives a core that speculates. Whatever is granted is drafted, and as many drafts of an entry are accepted as {@link
 * #accepts} says; the tokens of a sequence are 1000, 1001 and so on.
 */
final class DraftDriver implements SchedulerListener {

    static final int FIRST = 1000;

    final SchedulerCore core;
    final SchedulerConfig config;
    final Map<SequenceId, List<Integer>> outputs = new HashMap<>();
    final Map<SequenceId, FinishReason> endings = new HashMap<>();
    final Map<SequenceId, Throwable> causes = new HashMap<>();
    /** Most drafts of an entry that are accepted. */
    int accepts = Integer.MAX_VALUE;
    /** Most drafts of an entry that are made. */
    int makes = Integer.MAX_VALUE;

    int preempted;

    private record Work(Step step, int[] accepted, int[] first, int[] made) {}

    private final Deque<Work> inFlight = new ArrayDeque<>();
    private final Map<SequenceId, Integer> sampled = new HashMap<>();
    private final Map<SequenceId, Integer> drafted = new HashMap<>();
    private int nextToken;

    DraftDriver(SchedulerConfig.Builder builder) {
        config = builder.verifyInvariants(true).build();
        core = new SchedulerCore(config, this);
    }

    /** One replica, no watermark, chunks of any size. */
    static SchedulerConfig.Builder config(int pageSize, int blocks, int drafts, Supplier<DraftPolicy> policy) {
        return SchedulerConfig.builder(Configs.caches(pageSize, 1, drafts), blocks)
                .watermark(0)
                .minChunkTokens(1)
                .draftPolicy(policy);
    }

    static SchedulerConfig.Builder fixed(int pageSize, int blocks, int drafts) {
        return config(pageSize, blocks, drafts, () -> DraftPolicy.fixed(drafts));
    }

    /** A prompt that shares nothing with another. */
    SequenceSpec prompt(int length) {
        nextToken += length;
        return SequenceSpec.of(Driver.tokens(nextToken - length, length));
    }

    SequenceId submit(int promptLength) {
        return core.submit(prompt(promptLength), Driver.ALL);
    }

    Step plan() {
        Step step = planIfAny();
        assertThat(step).as("a step: %s", core).isNotNull();
        return Objects.requireNonNull(step);
    }

    /** Plans a step and computes it; its result waits. */
    @Nullable
    Step planIfAny() {
        Step step = core.plan();
        if (step == null) {
            return null;
        }
        Work work = new Work(step, new int[step.size()], new int[step.size()], new int[step.size()]);
        for (int i = 0; i < step.size(); i++) {
            if (step.samples(i)) {
                SequenceId id = step.sequence(i);
                work.accepted[i] = Math.min(accepts, Math.min(step.drafts(i), drafted.getOrDefault(id, 0)));
                work.first[i] = sampled.getOrDefault(id, FIRST);
                work.made[i] = Math.min(makes, step.granted(i));
                drafted.put(id, work.made[i]);
                sampled.put(id, work.first[i] + work.accepted[i] + 1);
            }
        }
        inFlight.add(work);
        return step;
    }

    /** The oldest step in flight is answered. */
    void complete() {
        Work work = inFlight.remove();
        StepResult result = new StepResult().reset(work.step);
        for (int i = 0; i < work.step.size(); i++) {
            if (work.step.samples(i)) {
                int token = work.first[i] + work.accepted[i];
                result.token(i, token);
                if (work.step.drafts(i) > 0) {
                    result.accepted(i, work.accepted[i]);
                }
                for (int j = 0; j < work.made[i]; j++) {
                    result.draft(i, token + 1 + j);
                }
            }
        }
        core.complete(result);
    }

    /** The oldest step in flight fails. */
    void fail(Throwable cause) {
        core.fail(inFlight.remove().step.number(), cause);
    }

    void step() {
        plan();
        complete();
    }

    /** Until nothing is left to do; what the sequences generated is what they should have. */
    void drain() {
        while (planIfAny() != null || !inFlight.isEmpty()) {
            complete();
        }
        outputs.values().forEach(output -> assertThat(output).isEqualTo(tokens(output.size())));
        assertThat(core.running() + core.waiting() + core.stepsInFlight()).isZero();
        assertThat(core.pool(0).availableBlocks()).isEqualTo(config.blocksPerReplica());
        assertThat(ledger().inFlight()).isZero();
    }

    static List<Integer> tokens(int count) {
        List<Integer> tokens = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            tokens.add(FIRST + i);
        }
        return tokens;
    }

    DraftLedger ledger() {
        return Objects.requireNonNull(core.drafts());
    }

    int held() {
        return core.pool(0).heldBlocks();
    }

    @Override
    public void admitted(SequenceId id, int replica, int hitTokens, int hostTokens) {}

    @Override
    public void token(SequenceId id, int index, int token) {
        List<Integer> output = outputs.computeIfAbsent(id, any -> new ArrayList<>());
        assertThat(index).isEqualTo(output.size());
        output.add(token);
    }

    @Override
    public void preempted(SequenceId id) {
        preempted++;
    }

    @Override
    public void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {
        assertThat(endings.put(id, reason)).as("a sequence ends once").isNull();
        if (cause != null) {
            causes.put(id, cause);
        }
    }
}
