package io.kvflux.core;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A core in which as many sequences decode as a step may have, in rounds of 256 steps, with prefix caching and a page of 16
 * tokens. They begin a round with 896 to 911 tokens, so that in each step a sixteenth of them fills a page.
 */
final class DecodingRounds implements SchedulerListener {

    static final int STEPS = 256;
    /** Blocks of a sequence at the end of a round. */
    static final int BLOCKS = 73;

    /** Of those that wait a plan looks at no more than this, whatever the rules. */
    private static final int LOOKED_AT = 256;

    private static final int PAGE_SIZE = 16;
    private static final int PROMPT = 1_024 - STEPS / 2;

    private final int sequences;
    private final StepResult result = new StepResult();
    private final List<SequenceSpec> specs = new ArrayList<>();
    private final List<SequenceId> running = new ArrayList<>();
    private final SchedulerCore core;

    /**
     * @param sequences that decode
     * @param waiting others, which wait for one of them to end, and never run
     * @param blocks of the pool
     */
    DecodingRounds(int sequences, int waiting, int blocks) {
        this(sequences, waiting, blocks, false, builder -> {});
    }

    /**
     * @param sequences that decode
     * @param waiting others, which never run
     * @param blocks of the pool
     * @param refused whether a step has room for one more, so that each plan looks at those that wait and finds that the
     *     pool has not: the first have prompts that are too long for what is left of it
     * @param rules what else the scheduler is told
     */
    DecodingRounds(int sequences, int waiting, int blocks, boolean refused, Consumer<SchedulerConfig.Builder> rules) {
        this.sequences = sequences;
        for (int i = 0; i < sequences; i++) {
            int length = PROMPT + i % PAGE_SIZE;
            specs.add(SequenceSpec.of(Driver.tokens(i * PROMPT, length))
                    .maxTokens(2 * STEPS)
                    .priority(-1));
        }
        SchedulerConfig.Builder config = SchedulerConfig.builder(Configs.caches(PAGE_SIZE, 1), blocks)
                .policy(QueuePolicy.PRIORITY)
                .maxBatchSize(sequences + (refused ? 1 : 0))
                .maxBatchTokens(sequences * (PROMPT + PAGE_SIZE));
        rules.accept(config);
        core = new SchedulerCore(config.build(), this);
        for (int i = 0; i < waiting; i++) {
            int tokens = refused && i < LOOKED_AT ? blocks * PAGE_SIZE - sequences * PROMPT : 1;
            core.submit(SequenceSpec.of(Driver.tokens(i, tokens)).maxTokens(2 * STEPS), Long.MAX_VALUE);
        }
    }

    /** Ends those of the last round and prefills as many in one step. */
    void begin() {
        running.forEach(core::cancel);
        running.clear();
        core.clearCache();
        specs.forEach(spec -> running.add(core.submit(spec, Long.MAX_VALUE)));
        step();
        if (core.running() != sequences) {
            throw new IllegalStateException("all must decode, running=" + core.running());
        }
    }

    /** The next step: planned and answered with a token for each. */
    long step() {
        return step(core, result);
    }

    /** Plans a step and answers it: a token an entry, half of its drafts accepted, and as many drafts as it was granted. */
    static long step(SchedulerCore core, StepResult result) {
        Step step = core.plan();
        result.reset(step);
        for (int i = 0; i < step.size(); i++) {
            if (step.samples(i)) {
                result.token(i, 5);
                if (step.drafts(i) > 0) {
                    result.accepted(i, step.drafts(i) / 2);
                }
                for (int j = 0; j < step.granted(i); j++) {
                    result.draft(i, 6);
                }
            }
        }
        core.took(step.number(), 0.02);
        core.complete(result);
        return step.number();
    }
}
