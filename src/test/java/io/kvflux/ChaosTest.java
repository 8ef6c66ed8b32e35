package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.QueueFullException;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.Configs;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.host.HostMemoryDevice;
import java.time.Duration;
import java.util.Objects;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Hundreds of clients on many threads that subscribe, stall, cancel, fork and come back at random, on a pool that is too
 * small for them, with an executor that fails now and then. What they get must be what the model gives, to the token.
 */
class ChaosTest {

    private static final int CLIENTS = 300;
    private static final int TOKENS = 1_000_000;
    private static final int BLOCKS = 500;
    private static final int UNKNOWN = -1;
    private static final long SEED = Long.getLong("kvflux.seed", System.nanoTime());

    private static final class InjectedFailure extends RuntimeException {}

    private final AtomicLong tokens = new AtomicLong();
    private final AtomicInteger live = new AtomicInteger(CLIENTS);
    private final CountDownLatch over = new CountDownLatch(1);
    private final Queue<Throwable> faults = new ConcurrentLinkedQueue<>();
    private final BlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
    private final AtomicLong ends = new AtomicLong();
    private final AtomicLong subscriptions = new AtomicLong();
    private final AtomicLong verifications = new AtomicLong();

    @Test
    void aMillionTokensToHundredsOfCapriciousClients() throws InterruptedException {
        System.out.println("ChaosTest seed " + SEED + " (-Dkvflux.seed)");
        Scheduler model = Schedulers.newSingle("chaos-model");
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("16MiB"));
        FaultyDeviceMemory device = capricious(host);
        BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(8, 2))
                .device(device)
                .deviceBlocks(BLOCKS)
                .zeroOnRelease(true)
                .maxBatchSize(48)
                .maxBatchTokens(512)
                .maxStepsInFlight(2)
                .maxPending(CLIENTS / 2)
                .maxExecutorFailures(1000)
                .tokenBuffer(2)
                .build();
        scheduler.run(flakyModel(model)).subscribe(nothing -> {}, faults::add);
        ExecutorService threads = Executors.newFixedThreadPool(6);
        for (int i = 0; i < CLIENTS; i++) {
            CapriciousClient client = new CapriciousClient(scheduler, i, true);
            work.add(client::begin);
        }
        for (int i = 0; i < 6; i++) {
            threads.execute(this::work);
        }
        assertThat(over.await(4, TimeUnit.MINUTES))
                .as("clients left: %s, %s, seed %s", live, scheduler, SEED)
                .isTrue();
        threads.shutdownNow();
        assertThat(faults).as("seed %s", SEED).isEmpty();
        accountFor(scheduler);
        assertThat(device.allocatedBytes()).isZero();
        device.close();
        model.dispose();
    }

    private void accountFor(BlockScheduler scheduler) {
        SchedulerMetrics metrics = scheduler.metrics();
        scheduler.disposeLater().block(Duration.ofMinutes(1));
        assertThat(metrics.heldBlocks()).isZero();
        assertThat(metrics.withheldBlocks()).isZero();
        assertThat(metrics.freeBlocks() + metrics.cachedBlocks()).isEqualTo(metrics.usableBlocks());
        assertThat(metrics.pending()).isZero();
        assertThat(metrics.waiting()).isZero();
        assertThat(metrics.submitted())
                .isEqualTo(metrics.finished() + metrics.cancelled() + metrics.failed() + metrics.refused());
        assertThat(ends).hasValue(subscriptions.get());
        assertThat(verifications.get()).isPositive();
        assertThat(metrics.preemptions()).isPositive();
        assertThat(metrics.cancelled()).isPositive();
        assertThat(metrics.failed()).isPositive();
        assertThat(metrics.cachedTokens()).isPositive();
    }

    /** Copies and zeroing that come late or not at all; a worker ends what is late. */
    private FaultyDeviceMemory capricious(HostMemoryDevice host) {
        SplittableRandom random = new SplittableRandom(SEED);
        FaultyDeviceMemory[] device = new FaultyDeviceMemory[1];
        device[0] = new FaultyDeviceMemory(host, batch -> {
            int whim = random.nextInt(1000);
            if (whim < 2) {
                return Fault.FAIL;
            }
            if (whim < 100) {
                work.add(() -> endLate(device[0]));
                return Fault.DELAY;
            }
            return Fault.NONE;
        });
        return device[0];
    }

    private static void endLate(FaultyDeviceMemory device) {
        while (device.delayed() == 0) {
            Thread.onSpinWait(); // it is on its way
        }
        device.releaseNext();
    }

    private StepExecutor flakyModel(Scheduler on) {
        SplittableRandom random = new SplittableRandom(SEED);
        StepResult[] results = {new StepResult(), new StepResult()};
        return step -> Mono.fromSupplier(() -> {
                    if (random.nextInt(500) == 0) {
                        throw new InjectedFailure();
                    }
                    StepResult result = Rig.answer(step, results[(int) (step.number() % 2)]);
                    if (step.size() > 0 && random.nextInt(100) == 0) {
                        result.fail(random.nextInt(step.size()), new InjectedFailure());
                    }
                    return result;
                })
                .subscribeOn(on);
    }

    private void work() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                work.take().run();
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } catch (Throwable fault) {
            faults.add(fault);
        }
    }

    /** One client: one subscription after the other, until enough tokens have come. */
    private final class CapriciousClient {

        private final BlockScheduler scheduler;
        private final SplittableRandom random;
        private final boolean comesBack;

        CapriciousClient(BlockScheduler scheduler, int number, boolean comesBack) {
            this.scheduler = scheduler;
            this.comesBack = comesBack;
            random = new SplittableRandom(SEED + number);
        }

        void begin() {
            if (tokens.get() >= TOKENS) {
                leave();
                return;
            }
            if (random.nextInt(50) == 0) {
                scheduler.verify().subscribe(nothing -> verifications.incrementAndGet(), faults::add);
            }
            int family = random.nextInt(8);
            int promptLength = 1 + random.nextInt(120);
            SequenceSpec spec = Rig.prompt(promptLength, 1000 * family).maxTokens(1 + random.nextInt(200));
            subscribe(scheduler.generate(spec), promptLength);
        }

        private void leave() {
            if (live.decrementAndGet() == 0) {
                over.countDown();
            }
        }

        private void subscribe(Flux<TokenEvent> source, int position) {
            subscriptions.incrementAndGet();
            source.subscribe(new Visit(random.split(), position));
        }

        /** One subscription. */
        private final class Visit extends BaseSubscriber<TokenEvent> {

            private final SplittableRandom whim;
            private final int cancelAt;
            private final int forkAt;
            private final boolean patient;
            private int seen;
            private int position;
            private boolean ended;

            Visit(SplittableRandom whim, int position) {
                this.whim = whim;
                this.position = position;
                cancelAt = whim.nextInt(4) == 0 ? whim.nextInt(60) : Integer.MAX_VALUE;
                forkAt = whim.nextInt(6) == 0 ? whim.nextInt(40) : Integer.MAX_VALUE;
                patient = whim.nextInt(3) > 0;
            }

            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                if (cancelAt == 0) {
                    end();
                    cancel();
                } else {
                    more();
                }
            }

            @Override
            protected void hookOnNext(TokenEvent event) {
                tokens.incrementAndGet();
                check(event);
                seen++;
                if (seen == forkAt) {
                    fork(Objects.requireNonNull(event.sequence()));
                }
                if (seen == cancelAt && event.finishReason() == null) {
                    end();
                    cancel();
                } else if (!patient) {
                    more();
                }
            }

            /** Asks for more: now, or when a worker comes to it. */
            private void more() {
                if (patient) {
                    request(Long.MAX_VALUE);
                } else if (whim.nextInt(4) == 0) {
                    int n = 1 + whim.nextInt(5);
                    work.add(() -> request(n));
                } else {
                    request(1);
                }
            }

            /** A fork has a client of its own, who leaves with it. */
            private void fork(SequenceId parent) {
                live.incrementAndGet();
                CapriciousClient twin = new CapriciousClient(scheduler, whim.nextInt(), false);
                work.add(() -> twin.subscribe(scheduler.fork(parent), UNKNOWN));
            }

            private void check(TokenEvent event) {
                if (position == UNKNOWN) {
                    position = inverse(event.token());
                }
                if (ended || event.index() != seen || event.token() != Rig.token(position + seen)) {
                    faults.add(new AssertionError("seed " + SEED + ", ended=" + ended + ", seen=" + seen + ", position="
                            + position + ", " + event));
                }
            }

            @Override
            protected void hookOnComplete() {
                end();
            }

            @Override
            protected void hookOnError(Throwable cause) {
                if (!(cause instanceof InjectedFailure
                        || cause instanceof FaultyDeviceMemory.InjectedFaultException
                        || cause instanceof QueueFullException
                        || cause instanceof IllegalArgumentException)) {
                    faults.add(cause);
                }
                end();
            }

            private void end() {
                if (ended) {
                    faults.add(new AssertionError("ended twice, seed " + SEED));
                }
                ended = true;
                ends.incrementAndGet();
                work.add(comesBack ? CapriciousClient.this::begin : CapriciousClient.this::leave);
            }
        }
    }

    /** The position at which the model gives a token first; what follows shows whether it was that one. */
    private static int inverse(int token) {
        for (int position = 0; position < 1000; position++) {
            if (Rig.token(position) == token) {
                return position;
            }
        }
        throw new AssertionError("no position gives token " + token);
    }
}
