package io.kvflux;

import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import org.reactivestreams.Publisher;

/**
 * The model as the scheduler sees it: takes a step, answers with its result. Handed to {@link BlockScheduler#run}.
 *
 * <p>Called on a thread of the scheduler's delivery, one call at a time; with maxStepsInFlight above 1 the next call may
 * come before the last answer. It may block that thread while it computes. The publisher it returns is subscribed to once
 * and its first result is the answer. It is not cancelled before that: a step in flight holds blocks that nobody may touch
 * until its executor says that it is done with them, whatever happened to its sequences. An error, an empty completion or a result that does not
 * fit its step fails the step's sequences.
 */
@FunctionalInterface
public interface StepExecutor {

    /**
     * Computes a step: for every entry the KV of its tokens into its blocks, and a token where the entry samples. All
     * reads and writes of blocks are over when the result, or an error, is signalled.
     *
     * @param step the step; valid until its result or error has been signalled
     * @return its result, from any thread; may be reused after it was signalled
     */
    Publisher<StepResult> execute(Step step);
}
