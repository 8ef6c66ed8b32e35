package io.kvflux;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.tier.connector.TieredConnector;
import io.kvflux.tier.disk.DiskRecovery;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Batches sequences into steps over one pool of KV-cache blocks, for a serving loop to embed. Sequences and the demand of
 * their clients flow in; steps flow out to a model, whose results come back as tokens to the clients.
 *
 * <pre>{@code
 * BlockScheduler scheduler = BlockScheduler.builder(MultiKvCacheParams.fromParams(target))
 *         .deviceMemory(DataSize.ofGiB(4))
 *         .build();
 * scheduler.run(model).subscribe();
 * Flux<TokenEvent> tokens = scheduler.generate(SequenceSpec.of(prompt).maxTokens(256));
 * }</pre>
 *
 * <p><b>Threads.</b> Every method may be called from any thread, from inside any signal too. None blocks, and none runs the
 * caller's thread through more than a bounded batch of other callers' work. Subscribers are called on threads of the
 * scheduler given as deliverOn, never on the caller's (except for onSubscribe), each subscriber by one thread at a time. A
 * subscriber that blocks holds one of the delivery lanes; one that throws from onNext is cancelled, and what it threw goes
 * to Reactor's {@code onErrorDropped}.
 *
 * <p><b>Errors.</b> What is wrong with an argument is thrown at once, and nothing has happened; everything else is a
 * signal. Only submitting can be refused for want of room: demand, cancellations and results are never lost.
 */
public final class BlockScheduler {

    final Shell shell;

    BlockScheduler(Shell shell) {
        this.shell = shell;
    }

    /**
     * A builder with every setting at its default.
     *
     * @param caches the caches that each sequence has
     * @return the builder
     */
    public static BlockSchedulerBuilder builder(MultiKvCacheParams caches) {
        return new BlockSchedulerBuilder(caches);
    }

    /**
     * At subscription submits a sequence, which then waits for admission; each subscription is a sequence of its own.
     * Requesting n tokens allows n more to be generated, beyond those the buffer takes; while nothing is allowed the
     * sequence is not scheduled, and its blocks are the first to go under pressure. It resumes with the same tokens.
     *
     * <p>Cancelling before the first token, or after, ends the sequence: its blocks are given back as soon as no step in
     * flight can touch them, and nothing more is signalled. Otherwise the sequence ends by the last event, which carries
     * the reason and the usage, and onComplete; or by onError, after the tokens generated until then: with a
     * {@link io.kvflux.api.QueueFullException} if no room is left to wait, a
     * {@link io.kvflux.api.SequenceTooLongException} if it can never fit or has outgrown its replica, a
     * {@link io.kvflux.api.SchedulerDisposedException} after a disposal, or the executor's failure.
     *
     * @param spec what is asked for
     * @return its tokens; one subscriber each
     * @throws IllegalArgumentException if a prompt token is outside the vocabulary, where its size is set
     */
    public Flux<TokenEvent> generate(SequenceSpec spec) {
        shell.settings.requireInVocabulary(Objects.requireNonNull(spec, "spec"));
        return new SequenceFlux(shell, spec, null, null);
    }

    /**
     * At subscription subscribes to a source of sequences and merges their tokens. The source is asked for as many
     * sequences as can wait: never for more than maxPending minus those that wait, whatever the demand for tokens, and ahead
     * for an eighth of maxPending at most (between 4 and 32), so that a source that brings nothing leaves room for others.
     * The merged subscriber's demand is shared: each sequence generates as far as its buffer goes (at least one token), and
     * on as its tokens are taken.
     *
     * <p>A sequence that fails tells so in an event with the reason FAILED and its cause, and the others go on. The source's
     * completion or error is passed on after the last sequence has ended; so is a disposal, as a completion. Cancelling
     * cancels the source and every sequence that came from it.
     *
     * @param source the sequences; must keep to its demand, or the stream ends with an IllegalStateException
     * @return their tokens, each event with the spec it is for
     */
    public Flux<TokenEvent> arrivals(Publisher<? extends SequenceSpec> source) {
        Objects.requireNonNull(source, "source");
        int prefetch = Math.max(1, shell.settings.tokenBuffer());
        return Flux.defer(() -> {
            ArrivalGate gate = new ArrivalGate(shell);
            return gate.admit(source)
                    .takeUntilOther(shell.closed.asMono())
                    .flatMapDelayError(spec -> new SequenceFlux(shell, spec, null, gate), Integer.MAX_VALUE, prefetch);
        });
    }

    /**
     * At subscription becomes the receiver of steps: each one requested is planned as soon as there is something to compute
     * and fewer than maxStepsInFlight steps are in flight. Every step received must be answered by {@link #complete} or
     * {@link #fail}. Completes when the scheduler is disposed; ends with an
     * {@link io.kvflux.api.ExecutorFailedException} when too many steps failed in a row.
     *
     * <p>One subscriber at a time, {@link #run} being one too: a second gets an IllegalStateException. Cancelling stops the
     * planning; steps received before stay in flight until they are answered, and one that was planned but not received
     * goes to the next subscriber.
     *
     * @return steps to compute, each valid until it is answered
     */
    public Flux<Step> steps() {
        return new Flux<>() {
            @Override
            public void subscribe(CoreSubscriber<? super Step> actual) {
                new StepFlow(shell, actual).open();
            }
        };
    }

    /**
     * Hands in the result of a step. Results may come in any order; they take effect in the order of steps.
     *
     * @param result reset for a step that was received and is not answered; copied, so it may be reused after the call
     * @throws IllegalStateException if the step is unknown, of another scheduler, or answered already; nothing has changed
     * @throws IllegalArgumentException if a token is missing, one too many, or outside the vocabulary; nothing has changed,
     *     and the step may be answered again
     */
    public void complete(StepResult result) {
        shell.steps.complete(result);
    }

    /**
     * Says that a step failed as a whole and that nothing touches its blocks any more. Its sequences end with the cause;
     * but if it turns out that the memory of a replica is {@linkplain io.kvflux.memory.DeviceMemory#loss lost}, those of the
     * other replicas compute again what this step was to give, and the rest does not apply. Planning then pauses, for 10 ms after the first failure and twice as long after each further one in a row, at most
     * 1 s; after maxExecutorFailures in a row the scheduler stops.
     *
     * @param step number of a step that was received and is not answered
     * @param cause why
     * @throws IllegalStateException if the step is unknown or answered already
     */
    public void fail(long step, Throwable cause) {
        shell.steps.fail(step, Objects.requireNonNull(cause, "cause"));
    }

    /**
     * At subscription drives a model: subscribes to {@link #steps}, hands each step to the executor and its result back.
     * Cancelling takes no further step; results of those in flight are still taken.
     *
     * @param executor the model
     * @return completes when the scheduler is disposed; ends with an {@link io.kvflux.api.ExecutorFailedException} when too
     *     many steps failed in a row
     */
    public Mono<Void> run(StepExecutor executor) {
        Objects.requireNonNull(executor, "executor");
        return Mono.create(sink -> {
            ExecutorRun run = new ExecutorRun(shell.steps, executor, sink);
            sink.onDispose(run);
            steps().subscribe(run);
        });
    }

    /**
     * At subscription has a drafter guess tokens beside the steps: steps then grant none to the executor, and what the drafter
     * brings in time is in the next step, to be verified. It is asked for as many drafts as the draft policy grants; how is
     * said at {@link Drafter}. Sequences go over to it, and back when this is cancelled, once they have no drafts in flight.
     * One drafter at a time: a second gets an IllegalStateException.
     *
     * @param drafter guesses the tokens of sequences
     * @return completes when the scheduler is disposed; ends with an {@link io.kvflux.api.ExecutorFailedException} when it
     *     stops because too many steps failed in a row
     * @throws IllegalStateException if the caches have no draft tokens, the draft policy is off, or maxInFlightDraftTokens is
     *     not more than maxStepsInFlight
     */
    public Mono<Void> draft(Drafter drafter) {
        return DrafterRun.of(shell, drafter);
    }

    /**
     * At subscription forks a live sequence as it is then: the fork begins with the tokens known of its parent and goes its
     * own way. It shares the parent's full pages. It is refused like any submission, and with an IllegalArgumentException
     * if the parent has ended. Its events count from 0 and its usage begins at the fork; the token limit counts what it
     * inherited.
     *
     * @param parent the sequence, as its events name it
     * @return the fork's tokens, from the first that is its own; each subscription is a fork of its own
     */
    public Flux<TokenEvent> fork(SequenceId parent) {
        return new SequenceFlux(shell, null, Objects.requireNonNull(parent, "parent"), null);
    }

    /**
     * A sequence gives up its device blocks and does not run until it is {@linkplain #resume resumed}; then it goes on with
     * the same tokens. With a host tier its KV is kept there for as long as there is room, else it is computed again. Tokens
     * generated before still reach its client.
     *
     * @param sequence as its events name it; one that has ended is ignored
     */
    public void pause(SequenceId sequence) {
        Objects.requireNonNull(sequence, "sequence");
        Command.give(shell, core -> core.pause(sequence));
    }

    /**
     * A sequence that was {@linkplain #pause paused} may run again.
     *
     * @param sequence as its events name it; one that has ended or was not paused is ignored
     */
    public void resume(SequenceId sequence) {
        Objects.requireNonNull(sequence, "sequence");
        Command.give(shell, core -> core.resume(sequence));
    }

    /**
     * At subscription asks how much of a prompt the cache holds. Advisory: it may have changed when the answer comes.
     *
     * @param spec a prompt with its salt, adapter and media
     * @return tokens that would not be computed again: a multiple of the page size, less than the prompt's length
     */
    public Mono<Integer> match(SequenceSpec spec) {
        Objects.requireNonNull(spec, "spec");
        return Query.ask(shell, () -> shell.core.match(spec));
    }

    /**
     * At subscription forgets all cached content, on every tier, unless a sequence runs, or a step in flight or a transfer
     * holds a block. After the disposal the disk keeps its pages.
     *
     * @return whether the cache was cleared
     */
    public Mono<Boolean> clearCache() {
        return Query.ask(shell, shell.core::clearCache);
    }

    /**
     * At subscription copies the state.
     *
     * @return the state at one instant
     */
    public Mono<SchedulerSnapshot> snapshot() {
        return Query.ask(shell, shell.core::snapshot);
    }

    /**
     * At subscription gives a snapshot of what is findable on devices, host and disk, and from then on what changes, without a
     * gap in the numbers. Hot: the scheduler does not wait for its subscribers. One that falls behind by more than the buffer loses
     * events, gets a notice of how many in their place, and subscribes anew to be whole again.
     *
     * <p>Pages are named only while there is a subscriber: the first subscription names all that is cached (about two SHA-256
     * a page, on the loop), and each page that becomes full, or lands on the host, costs as much from then on. Completes when the scheduler is
     * disposed.
     *
     * @return a snapshot, then events
     */
    public Flux<BlockEvent> blockEvents() {
        return new Flux<>() {
            @Override
            public void subscribe(CoreSubscriber<? super BlockEvent> actual) {
                new EventFlow(shell, actual).open();
            }
        };
    }

    /**
     * The memory behind the blocks: for an executor, which finds there the address and the stride of each cache's pages.
     * Block copies of a step are carried out in it, and blocks zeroed if that is asked for, before the step is handed out.
     *
     * @return the arenas; not to be accessed after a disposal, and not to be closed
     * @throws IllegalStateException if the scheduler was built with externalMemory
     */
    public BlockArenas memory() {
        if (shell.memory == null) {
            throw new IllegalStateException("a scheduler built with externalMemory has no memory of its own");
        }
        return shell.memory.arenas();
    }

    /** {@return what was found in the directory of the disk when it was opened; nothing without a disk of the scheduler's own} */
    public Optional<DiskRecovery> diskRecovery() {
        return shell.swap != null && shell.swap.connector() instanceof TieredConnector tiered
                ? Optional.of(tiered.disk().recovery())
                : Optional.empty();
    }

    /** {@return live numbers, to be read at any time, after a disposal too} */
    public SchedulerMetrics metrics() {
        return shell.metrics;
    }

    /**
     * At subscription disposes: sequences end with a {@link io.kvflux.api.SchedulerDisposedException}, steps complete, and
     * nothing enters any more. Cancelling does not bring the scheduler back. May be called again.
     *
     * @return completes when the last step in flight was answered, the last copy between device and host has landed, and
     *     the memory of both is given back; an executor that never answers holds it up for ever, because memory it may
     *     still touch is not given back
     */
    public Mono<Void> disposeLater() {
        return Closer.close(shell, Duration.ZERO);
    }

    /**
     * At subscription takes no more sequences, and disposes when the last one has ended or the time is up.
     *
     * @param patience how long sequences may go on; zero is {@link #disposeLater()}
     * @return completes as {@link #disposeLater()} does
     * @throws IllegalArgumentException if patience is negative
     */
    public Mono<Void> disposeGracefully(Duration patience) {
        return Closer.close(shell, patience);
    }

    /**
     * At subscription compares every count and link of the whole structure with the others: what {@code verifyInvariants}
     * does after every change, done once. Takes time in proportion to all blocks and slots.
     *
     * @return true; or ends with an IllegalStateException that names the first rule that does not hold
     */
    public Mono<Boolean> verify() {
        return Query.ask(shell, () -> {
            shell.core.verify();
            return true;
        });
    }

    @Override
    public String toString() {
        return "BlockScheduler[" + shell.metrics + "]";
    }
}
