package io.kvflux;

import io.kvflux.api.DraftContext;
import io.kvflux.api.DraftToken;
import org.reactivestreams.Publisher;

/**
 * Guesses the tokens of sequences beside the steps: by looking them up in the prompt, by asking another machine, by a model
 * with a memory of its own. Handed to {@link BlockScheduler#draft}. A draft model whose KV lies in the scheduler's blocks
 * drafts within steps instead, since only the result of a step says that nobody writes there any more.
 */
@FunctionalInterface
public interface Drafter {

    /**
     * Guesses how a sequence goes on: the first draft is of the token at {@code context.length()}, each further one of the
     * token after it, supposing that all before it are right.
     *
     * <p>The publisher is subscribed to once and asked for exactly as many drafts as the scheduler has granted, and for more
     * as steps confirm them. It is cancelled at the first wrong draft, when it has fallen behind, and when its sequence ends,
     * is preempted or paused; then this is called again, with the tokens known by then. Drafts that come too late are
     * dropped: no step waits for any.
     *
     * <p>Whoever completes has no more guesses from there; it is asked again where the sequence has got to. One that
     * signals an error, throws, brings more than it was asked for, null, or a token outside the vocabulary is cancelled and
     * not asked about this sequence any more. The sequence goes on without drafts, and no other notices.
     *
     * <p>This, {@code request} and {@code cancel} are called on threads of the scheduler's delivery, by one thread at a time
     * for each sequence. They should not block: as many as block at a time, as there are delivery lanes, stop the drafting
     * of all sequences, though not their steps.
     *
     * @param context the sequence and the tokens known of it
     * @return its drafts, from any thread
     */
    Publisher<DraftToken> draft(DraftContext context);
}
