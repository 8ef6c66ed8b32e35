package io.kvflux;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.core.Configs;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.UnaryOperator;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.scheduler.Schedulers;

/**
 * A scheduler in which everything happens on the calling thread, and a model that answers when told to. The token at a
 * position is {@link #token}, so that what a sequence should have generated is known.
 */
final class Rig extends BaseSubscriber<Step> {

    static final int PAGE = 4;

    final BlockScheduler scheduler;
    final Deque<Step> steps = new ArrayDeque<>();
    private final StepResult result = new StepResult();

    Rig(int blocks) {
        this(blocks, UnaryOperator.identity());
    }

    Rig(int blocks, UnaryOperator<BlockSchedulerBuilder> settings) {
        this(blocks, settings, 1);
    }

    Rig(int blocks, UnaryOperator<BlockSchedulerBuilder> settings, int replicas) {
        scheduler = settings.apply(builder(blocks, replicas)).build();
        scheduler.steps().subscribe(this);
    }

    static BlockSchedulerBuilder builder(int blocks) {
        return builder(blocks, 1);
    }

    private static BlockSchedulerBuilder builder(int blocks, int replicas) {
        return BlockScheduler.builder(Configs.caches(PAGE, replicas))
                .deviceBlocks(blocks)
                .scheduling(core -> core.verifyInvariants(true).watermark(0))
                .deliverOn(Schedulers.immediate())
                .loopOn(Schedulers.immediate());
    }

    static SequenceSpec prompt(int length) {
        return prompt(length, 1000);
    }

    static SequenceSpec prompt(int length, int first) {
        int[] tokens = new int[length];
        for (int i = 0; i < length; i++) {
            tokens[i] = first + i;
        }
        return SequenceSpec.of(tokens);
    }

    /** What the model samples at a position of a sequence. */
    static int token(int position) {
        return position * 7 % 1000;
    }

    /** What a sequence generates after a prompt. */
    static List<Integer> output(int promptLength, int count) {
        List<Integer> tokens = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            tokens.add(token(promptLength + i));
        }
        return tokens;
    }

    static StepResult answer(Step step, StepResult result) {
        result.reset(step);
        for (int entry = 0; entry < step.size(); entry++) {
            if (step.samples(entry)) {
                result.token(entry, token(step.cacheLength(entry) + step.tokenCount(entry)));
            }
        }
        return result;
    }

    /** The oldest step is computed; false if there is none. */
    boolean step() {
        Step step = steps.poll();
        if (step == null) {
            return false;
        }
        scheduler.complete(answer(step, result));
        return true;
    }

    int stepAll() {
        int count = 0;
        while (step()) {
            count++;
        }
        return count;
    }

    static List<SequenceId> sequences(Step step) {
        List<SequenceId> ids = new ArrayList<>();
        for (int entry = 0; entry < step.size(); entry++) {
            ids.add(step.sequence(entry));
        }
        return ids;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        requestUnbounded();
    }

    @Override
    protected void hookOnNext(Step step) {
        steps.add(step);
    }
}
