package io.kvflux.sim;

import io.kvflux.BlockScheduler;
import io.kvflux.BlockSchedulerBuilder;
import io.kvflux.api.FinishReason;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.TokenEvent;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Replays a workload through the reactive face: real threads, real time divided by a speed, real pages in host memory.
 * Requests arrive when their time has come, an executor computes steps that take as long as the cost model says, and one
 * merged client takes the tokens. Pages are small, one float a token; the executor keeps every token in its slot and reads
 * each sequence back through its block table whenever it samples.
 */
public final class RealtimeReplay {

    /** One request on its way. */
    static final class Live {
        final SimRequest request;
        final int[] prompt;
        final long submittedNs = System.nanoTime();
        /** The executor's alone. */
        final Decoding decoding;

        int received;
        long firstTokenNs;

        Live(SimRequest request, int[] prompt) {
            this.request = request;
            this.prompt = prompt;
            decoding = new Decoding(request);
        }

        /** The token at a position of prompt and output; after its end it is void what is computed. */
        int token(int position) {
            if (position < prompt.length) {
                return prompt[position];
            }
            int output = position - prompt.length;
            return output < request.outputLength() ? request.outputToken(output) : SimRequest.STOP_TOKEN;
        }
    }

    private final Workload workload;
    private final ReplayOptions options;
    private final double speed;
    private final ReplayListener listener;
    private final SplittableRandom dealer;
    private final Map<SequenceSpec, Live> live = new ConcurrentHashMap<>();
    private final Sinks.Empty<Void> stop = Sinks.empty();
    private final Samples ttft = new Samples();
    private final Samples latency = new Samples();

    private long requests;
    private long completed;
    private long rejected;
    private long failed;
    private long promptTokens;
    private long cachedTokens;
    private long outputTokens;
    private long wrongTokens;
    private long beginNs;
    private @Nullable SimRequest first;
    private volatile boolean stopped;

    /**
     * A replay that has not begun.
     *
     * @param workload read once, by {@link #run}; the caller closes it
     * @param options how to replay; of the caches only page size, replicas and blocks count
     * @param speed seconds of the trace's time in a second, positive
     * @param listener hears of progress, and of nothing else
     * @throws IllegalArgumentException if speed is not positive, or the disk has no room for a page
     */
    public RealtimeReplay(Workload workload, ReplayOptions options, double speed, ReplayListener listener) {
        if (!(speed > 0) || Double.isInfinite(speed)) {
            throw new IllegalArgumentException("speed must be positive, speed=" + speed);
        }
        if (options.disk() != null) {
            options.disk().requireRoom(caches(options));
        }
        this.workload = workload;
        this.options = options;
        this.speed = speed;
        this.listener = listener;
        dealer = new SplittableRandom(options.seed());
    }

    /** Makes {@link #run} return what it has so far, soon. */
    public void stop() {
        stopped = true;
        stop.tryEmitEmpty();
    }

    /**
     * Replays until the workload has ended or {@link #stop} is called. Blocks the calling thread.
     *
     * @return what was found
     * @throws TraceException if the workload is malformed somewhere
     * @throws io.kvflux.tier.disk.DiskException if the directory of the disk cannot be used, saying why
     */
    public RealtimeResult run() {
        beginNs = System.nanoTime();
        BlockScheduler scheduler = scheduler();
        TokenStore store = new TokenStore(options, scheduler.memory(), live, speed);
        scheduler.run(store).subscribe(nothing -> {}, cause -> stop());
        try {
            scheduler
                    .arrivals(arrivals())
                    .takeUntilOther(stop.asMono())
                    .doOnNext(this::take)
                    .blockLast();
        } finally {
            scheduler.disposeLater().block();
        }
        return result(scheduler.metrics(), store);
    }

    private BlockScheduler scheduler() {
        BlockSchedulerBuilder builder = BlockScheduler.builder(caches(options));
        if (options.scheduler().hostBlocks() > 0) {
            builder.hostSwapBlocks(options.scheduler().hostBlocks())
                    .hostPolicy(options.scheduler().hostPolicy())
                    .preemption(options.scheduler().preemption());
        }
        if (options.disk() != null) {
            builder.disk(options.disk().directory(), options.disk().size());
        }
        if (options.speculation() != null) {
            builder.scheduling(core -> core.draftPolicy(options.scheduler().draftPolicy())
                    .maxInFlightDraftTokens(options.scheduler().maxInFlightDraftTokens()));
        }
        return builder.deviceBlocks(options.scheduler().blocksPerReplica())
                .vocabularySize(SimRequest.STOP_TOKEN + 1)
                .maxPending(256)
                .scheduling(core -> core.maxBatchSize(options.scheduler().maxBatchSize())
                        .maxBatchTokens(options.scheduler().maxBatchTokens())
                        .minChunkTokens(options.scheduler().minChunkTokens())
                        .maxStepsInFlight(options.scheduler().maxStepsInFlight())
                        .prefixCaching(options.scheduler().prefixCaching())
                        .policy(options.scheduler().policy())
                        .victimRule(options.scheduler().victimRule())
                        .watermark(options.scheduler().watermark())
                        .reservePrefills(options.scheduler().reservePrefills())
                        .admitAfterPreemption(options.scheduler().admitAfterPreemption())
                        .maxSkips(options.scheduler().maxSkips())
                        .eviction(options.scheduler().eviction())
                        .verifyInvariants(options.scheduler().verifyInvariants()))
                .build();
    }

    /**
     * The caches that a replay in real time has in place of a model's.
     *
     * @param options how to replay
     * @return one latent row of one float a token, with the page size, the replicas and the draft tokens of the options
     */
    public static MultiKvCacheParams caches(ReplayOptions options) {
        return MultiKvCacheParams.fromParams(KvCacheParams.builder()
                .attention(AttentionKind.MLA)
                .dtype(DType.FLOAT32)
                .numQueryHeads(1)
                .headDim(1)
                .numLayers(1)
                .pageSize(options.scheduler().pageSize())
                .speculativeMethod(options.scheduler().caches().speculativeMethod())
                .numDraftTokens(options.scheduler().caches().numDraftTokens())
                .devices(DeviceRef.gpus(options.scheduler().replicas()))
                .dataParallelDegree(options.scheduler().replicas())
                .hashSeed(ReplayDisk.TOKENS)
                .build());
    }

    /** Each request when its time has come, as far as the scheduler asks. */
    private Flux<SequenceSpec> arrivals() {
        return Flux.<SimRequest>generate(sink -> {
                    SimRequest request = workload.next();
                    if (request == null) {
                        sink.complete();
                    } else {
                        sink.next(request);
                    }
                })
                .concatMap(this::due, 1)
                .map(this::submit);
    }

    private Mono<SimRequest> due(SimRequest request) {
        first = first == null ? request : first;
        long traceNs = request.arrivalNanos() - first.arrivalNanos();
        long waitNs = (long) (traceNs / speed) - (System.nanoTime() - beginNs);
        return waitNs <= 0 ? Mono.just(request) : Mono.just(request).delayElement(Duration.ofNanos(waitNs));
    }

    private synchronized SequenceSpec submit(SimRequest request) {
        int[] prompt = request.promptTokens();
        requests++;
        promptTokens += prompt.length;
        SequenceSpec spec = SequenceSpec.of(prompt)
                .stopTokens(SimRequest.STOP_TOKEN)
                .expectedTokens(request.expectedTokens())
                .tenant("tenant-" + dealer.nextInt(options.tenants()));
        live.put(spec, new Live(request, prompt));
        return spec;
    }

    private synchronized void take(TokenEvent event) {
        Live entry = live.get(event.spec());
        if (event.finishReason() == FinishReason.FAILED) {
            boolean neverFit = event.cause() instanceof SequenceTooLongException && entry.received == 0;
            rejected += neverFit ? 1 : 0;
            failed += neverFit || stopped ? 0 : 1;
            ended(event.spec());
            return;
        }
        outputTokens++;
        wrongTokens += event.token() == entry.token(entry.prompt.length + entry.received) ? 0 : 1;
        long now = System.nanoTime();
        if (entry.received++ == 0) {
            entry.firstTokenNs = now;
        }
        if (event.usage() != null) {
            completed++;
            cachedTokens += event.usage().cachedTokens();
            ttft.add((entry.firstTokenNs - entry.submittedNs) / 1e9 * speed);
            latency.add((now - entry.submittedNs) / 1e9 * speed);
            ended(event.spec());
        }
    }

    private void ended(SequenceSpec spec) {
        live.remove(spec);
        listener.onProgress(completed + rejected + failed, workload.size());
    }

    private synchronized RealtimeResult result(SchedulerMetrics metrics, TokenStore store) {
        return new RealtimeResult(
                workload.name(),
                requests,
                completed,
                rejected,
                failed,
                promptTokens,
                cachedTokens,
                outputTokens,
                wrongTokens,
                store.checkedTokens(),
                metrics.usableBlocks() - metrics.freeBlocks() - metrics.cachedBlocks(),
                metrics.stepsCompleted(),
                metrics.preemptions(),
                options.disk() == null ? null : metrics.diskStoredBlocks(),
                options.disk() == null ? null : metrics.diskFetchedBlocks(),
                options.scheduler().speculates() ? drafts(metrics, store.verifiedRounds()) : null,
                ReplaySummary.Distribution.ofSorted(ttft.sorted()),
                ReplaySummary.Distribution.ofSorted(latency.sorted()),
                (System.nanoTime() - beginNs) / 1e9,
                stopped);
    }

    private static ReplaySummary.Drafts drafts(SchedulerMetrics metrics, long rounds) {
        return new ReplaySummary.Drafts(
                metrics.draftsGranted(),
                metrics.draftsAccepted(),
                metrics.draftsRejected(),
                metrics.draftsAborted(),
                null,
                ReplaySummary.Drafts.mean(metrics.draftsAccepted(), rounds));
    }
}
