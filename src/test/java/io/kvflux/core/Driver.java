package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.tier.Transfer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Drives a core step by step and remembers what it said. Whatever is not told otherwise samples {@link #TOKEN}. */
final class Driver implements SchedulerListener {

    static final int TOKEN = 7;
    static final int STOP = 9;
    static final long ALL = Long.MAX_VALUE;

    final SchedulerConfig config;
    final SchedulerCore core;
    final List<String> log = new ArrayList<>();
    final Map<SequenceId, List<Integer>> outputs = new HashMap<>();
    final Map<SequenceId, FinishReason> endings = new HashMap<>();
    final Map<SequenceId, Throwable> causes = new HashMap<>();
    /** Hits at the last admission, in tokens. */
    final Map<SequenceId, Integer> hits = new HashMap<>();

    final Map<SequenceId, Integer> replicas = new HashMap<>();
    /** Told of and not landed. */
    final Deque<Transfer> transfers = new ArrayDeque<>();

    private final Deque<Step> inFlight = new ArrayDeque<>();
    private int nextToken = 100;

    Driver(SchedulerConfig.Builder builder) {
        config = builder.verifyInvariants(true).build();
        core = new SchedulerCore(config, this);
    }

    /** One replica, no watermark, chunks of any size. */
    static SchedulerConfig.Builder config(int pageSize, int blocks) {
        return config(pageSize, blocks, 1);
    }

    static SchedulerConfig.Builder config(int pageSize, int blocks, int replicas) {
        return SchedulerConfig.builder(Configs.caches(pageSize, replicas), blocks)
                .watermark(0)
                .minChunkTokens(1);
    }

    /** A prompt that shares nothing with another. */
    SequenceSpec prompt(int length) {
        nextToken += length;
        return SequenceSpec.of(tokens(nextToken - length, length));
    }

    static int[] tokens(int first, int count) {
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = first + i;
        }
        return tokens;
    }

    SequenceId submit(int promptLength) {
        return submit(prompt(promptLength));
    }

    SequenceId submit(SequenceSpec spec) {
        return core.submit(spec, ALL);
    }

    /** A fork; its output begins with that of its parent. */
    SequenceId fork(SequenceId parent, long tokensAllowed) {
        SequenceId child = core.fork(parent, tokensAllowed);
        outputs.put(child, new ArrayList<>(outputs.getOrDefault(parent, List.of())));
        return child;
    }

    @Nullable
    Step plan() {
        Step step = core.plan();
        if (step != null) {
            inFlight.add(step);
        }
        return step;
    }

    /** The oldest step in flight gives everybody a token. */
    void complete() {
        complete(inFlight.remove(), Map.of());
    }

    /** The oldest step in flight gives one sequence this token. */
    void complete(SequenceId id, int token) {
        complete(inFlight.remove(), Map.of(id, token));
    }

    /** The oldest step in flight fails. */
    void fail(Throwable cause) {
        core.fail(inFlight.remove().number(), cause);
    }

    /** Plans a step and completes it. */
    void step() {
        assertThat(plan()).as("a step: %s", core).isNotNull();
        complete();
    }

    void steps(int count) {
        for (int i = 0; i < count; i++) {
            step();
        }
    }

    /** Until nothing is left to do. */
    void drain() {
        while (plan() != null || !inFlight.isEmpty()) {
            complete();
        }
    }

    static List<SequenceId> ids(@Nullable Step step) {
        List<SequenceId> ids = new ArrayList<>();
        for (int i = 0; step != null && i < step.size(); i++) {
            ids.add(step.sequence(i));
        }
        return ids;
    }

    static int entry(Step step, SequenceId id) {
        return ids(step).indexOf(id);
    }

    /** Tokens that a step computes for each of its entries. */
    static List<Integer> counts(@Nullable Step step) {
        List<Integer> counts = new ArrayList<>();
        for (int i = 0; step != null && i < step.size(); i++) {
            counts.add(step.tokenCount(i));
        }
        return counts;
    }

    int held() {
        return core.pool(0).heldBlocks();
    }

    int withheld() {
        return core.pool(0).withheldBlocks();
    }

    int available() {
        return core.pool(0).availableBlocks();
    }

    void assertEverythingIsBack() {
        for (int replica = 0; replica < config.replicas(); replica++) {
            assertThat(core.pool(replica).availableBlocks()).isEqualTo(config.blocksPerReplica());
        }
        assertThat(core.running() + core.waiting() + core.stepsInFlight()).isZero();
    }

    /** How often a line stands in the log. */
    long logged(String line) {
        return log.stream().filter(line::equals).count();
    }

    private void complete(Step step, Map<SequenceId, Integer> tokens) {
        StepResult result = new StepResult().reset(step);
        for (int i = 0; i < step.size(); i++) {
            if (step.samples(i)) {
                result.token(i, tokens.getOrDefault(step.sequence(i), TOKEN));
            }
        }
        core.complete(result);
    }

    @Override
    public void admitted(SequenceId id, int replica, int hitTokens, int hostTokens) {
        log.add(id + " admitted on replica " + replica + ", hit " + hitTokens);
        hits.put(id, hitTokens);
        replicas.put(id, replica);
    }

    @Override
    public void transfer(Transfer transfer) {
        transfers.add(transfer);
    }

    /** All of the oldest transfer is there. */
    void land() {
        Transfer oldest = transfers.remove();
        core.landed(oldest, oldest.size(), 0);
    }

    @Override
    public void token(SequenceId id, int index, int token) {
        log.add(id + " token " + index + " = " + token);
        List<Integer> output = outputs.computeIfAbsent(id, any -> new ArrayList<>());
        assertThat(index).isEqualTo(output.size());
        output.add(token);
    }

    @Override
    public void preempted(SequenceId id) {
        log.add(id + " preempted");
    }

    @Override
    public void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {
        log.add(id + " finished " + reason);
        assertThat(endings.put(id, reason)).as("a sequence ends once").isNull();
        if (cause != null) {
            causes.put(id, cause);
        }
    }
}
