package io.kvflux.selftest;

import io.kvflux.BlockScheduler;
import io.kvflux.StepExecutor;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import java.util.List;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/**
 * Reference models as the executor of a {@link BlockScheduler}: KV goes to the slots that the step names and is read through
 * its lookup table. Computes on the thread that subscribes, one step at a time.
 */
public final class PagedExecutor implements StepExecutor {

    private final PagedModel model;

    /**
     * An executor.
     *
     * @param models the model that chooses the tokens; then any that read along, of which the first drafts, one for each
     *     cache
     * @param caches the caches of the scheduler, one for each model, in the same order
     * @param memory the scheduler's memory
     * @param samplings how the tokens of a sequence are chosen, by the very spec that was submitted
     */
    public PagedExecutor(
            List<ReferenceModel> models,
            MultiKvCacheParams caches,
            BlockArenas memory,
            Function<SequenceSpec, Sampling> samplings) {
        model = new PagedModel(
                models, caches, memory, AttentionPlace.processor(), (spec, sequence) -> samplings.apply(spec), null);
    }

    @Override
    public Publisher<StepResult> execute(Step step) {
        return Mono.fromSupplier(() -> compute(step));
    }

    private StepResult compute(Step step) {
        StepResult result = new StepResult().reset(step);
        for (int entry = 0; entry < step.size(); entry++) {
            PagedModel.Answer answer = model.compute(step, entry, step.granted(entry));
            answer.tell(step, entry, result);
        }
        return result;
    }
}
