package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.StepResult;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.blockhound.BlockHound;
import reactor.blockhound.BlockingOperationError;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Nothing of the loop or the publishers blocks: all of it is run on threads on which blocking is an error. */
@Tag("blockhound")
class BlockHoundTest {

    private static final Queue<Throwable> BLOCKED = new ConcurrentLinkedQueue<>();

    @BeforeAll
    static void install() {
        BlockHound.builder()
                .loadIntegrations()
                .blockingMethodCallback(method -> {
                    BlockingOperationError error = new BlockingOperationError(method);
                    BLOCKED.add(error);
                    throw error;
                })
                .install();
    }

    @Test
    @SuppressWarnings("BlockingOperation")
    void blockingIsCaught() {
        assertThatThrownBy(() -> Mono.delay(Duration.ofMillis(1))
                        .doOnNext(now -> {
                            try {
                                Thread.sleep(1);
                            } catch (InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        })
                        .block(Duration.ofSeconds(10)))
                .hasStackTraceContaining("Blocking call! java.lang.Thread.sleep");
        BLOCKED.removeIf(error -> error.getMessage().contains("sleep"));
    }

    @Test
    void theWholeFaceRunsWithoutBlocking() {
        BlockScheduler scheduler = Rig.builder(60)
                .deliverOn(Schedulers.parallel())
                .loopOn(Schedulers.parallel())
                .maxStepsInFlight(2)
                .zeroOnRelease(true)
                .build();
        Flux<BlockEvent> events = scheduler.blockEvents().subscribeOn(Schedulers.parallel());
        events.subscribe();
        scheduler
                .run(step -> Mono.just(Rig.answer(step, new StepResult())).delayElement(Duration.ofNanos(1)))
                .subscribe();
        Flux.range(0, 60)
                .publishOn(Schedulers.parallel())
                .flatMap(i -> scheduler
                        .generate(Rig.prompt(3 + i % 9, 7 * i).maxTokens(12))
                        .limitRate(1 + i % 3)
                        .take(1 + i % 12)
                        .concatWith(Flux.defer(() -> scheduler
                                .match(Rig.prompt(9))
                                .then(scheduler.snapshot())
                                .then(scheduler.clearCache())
                                .thenMany(Flux.empty()))))
                .blockLast(Duration.ofSeconds(60));
        scheduler
                .arrivals(Flux.range(0, 40).map(i -> Rig.prompt(5, 3 * i).maxTokens(4)))
                .subscribeOn(Schedulers.parallel())
                .blockLast(Duration.ofSeconds(60));
        Mono.defer(scheduler::disposeLater).subscribeOn(Schedulers.parallel()).block(Duration.ofSeconds(60));
        assertThat(BLOCKED).isEmpty();
    }
}
