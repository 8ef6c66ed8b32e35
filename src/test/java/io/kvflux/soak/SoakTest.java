package io.kvflux.soak;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.BlockScheduler;
import io.kvflux.Leaks;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.chronicle.HostSlots;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** The soak passes when nothing is wrong, and finds what is planted. Bounded by sequences; the time is only a limit. */
class SoakTest {

    private static final Duration LONG = Duration.ofMinutes(10);
    /** The first life, in which every change is checked, is over. */
    private static final long FIRST_LIFE = 300;

    private static final long PLANT_EVERY = 1_000;

    private static SoakResult run(long sequences, Plant plant) {
        return Soak.run(new SoakOptions(3, LONG, sequences), Scale.SMALL, plant, () -> true, seconds -> {});
    }

    /** Plants something every thousand sequences. */
    private static Plant every(Plant harm) {
        return (scheduler, ended, client) -> {
            if (ended > FIRST_LIFE && ended % PLANT_EVERY == 0) {
                harm.ended(scheduler, ended, client);
            }
        };
    }

    private static List<String> findings(SoakResult result) {
        return result.findings().stream().map(Finding::toString).toList();
    }

    @Test
    void aHealthyRunPassesAndTriesEverything() {
        SoakResult result = run(7_000, Plant.NONE);
        assertThat(findings(result)).isEmpty();
        assertThat(result.passed()).isTrue();
        assertThat(result.sequences()).isGreaterThanOrEqualTo(7_000);
        assertThat(result.tokens()).isGreaterThan(result.sequences());
        assertThat(result.lives()).isGreaterThanOrEqualTo(4);
        assertThat(result.quietPoints()).isGreaterThanOrEqualTo(10);
        assertThat(result.counts())
                .allSatisfy((name, count) -> assertThat(count).as(name).isPositive());
        assertThat(result.times().get("step, p50")).isPositive();
    }

    @Test
    void aBlockThatIsLeakedIsFound() {
        SoakResult result = run(20_000, every((scheduler, ended, client) -> Leaks.block(scheduler)));
        assertThat(result.sequences()).isLessThan(5 * PLANT_EVERY);
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found).contains("ACCOUNT", "1 blocks are held", "life 2"));
    }

    @Test
    void aSlotOfTheHostThatIsLeakedIsFound() {
        SoakResult result = run(20_000, every((scheduler, ended, client) -> Leaks.hostSlot(scheduler)));
        assertThat(findings(result))
                .anySatisfy(found ->
                        assertThat(found).contains("ACCOUNT", "1 slots of the host are being written to", "life 2"));
    }

    @Test
    void aNativeSlotThatIsLeakedIsFound() {
        List<HostSlots> leaked = Collections.synchronizedList(new ArrayList<>());
        SoakResult result = run(
                20_000,
                every((scheduler, ended, client) -> leaked.add(HostSlots.allocate(1, 4_096, HostSlots.Touch.LAZY))));
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found).contains("has not given everything back", "native regions"));
        leaked.forEach(HostSlots::close);
    }

    @Test
    void aSubscriberThatIsLeakedIsFound() {
        SoakResult result = run(20_000, every((scheduler, ended, client) -> subscribeAndForget(scheduler)));
        assertThat(result.sequences()).isLessThan(5 * PLANT_EVERY);
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found)
                        .contains("ACCOUNT", "life 2", "the scheduler has 1 sequences", "tenant=forgotten"));
    }

    static void subscribeAndForget(BlockScheduler scheduler) {
        scheduler
                .generate(SequenceSpec.of(1, 2, 3).maxTokens(40).tenant("forgotten"))
                .subscribe(new BaseSubscriber<TokenEvent>() {
                    @Override
                    protected void hookOnSubscribe(Subscription subscription) {
                        // Asks for nothing, and never leaves.
                    }
                });
    }

    @Test
    void clientsThatAreRememberedAreFound() {
        List<Client> remembered = Collections.synchronizedList(new ArrayList<>());
        SoakResult result = run(20_000, (scheduler, ended, client) -> {
            if (ended > FIRST_LIFE && ended % 20 == 0) {
                remembered.add(client);
            }
        });
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found)
                        .contains("ACCOUNT", "clients that have ended can still be reached, where 8 are allowed"));
        assertThat(remembered).isNotEmpty();
    }

    @Test
    void aSchedulerThatIsRememberedIsFound() {
        Set<BlockScheduler> remembered = ConcurrentHashMap.newKeySet();
        SoakResult result = run(20_000, (scheduler, ended, client) -> remembered.add(scheduler));
        assertThat(result.lives()).isEqualTo(1);
        assertThat(findings(result))
                .anySatisfy(found ->
                        assertThat(found).contains("LEAK", "life 1 is over", "the scheduler can still be reached"));
        assertThat(remembered).isNotEmpty();
    }

    @Test
    void threadsThatEveryLifeLeavesBehindAreFound() {
        CountDownLatch end = new CountDownLatch(1);
        Set<Long> lives = ConcurrentHashMap.newKeySet();
        SoakResult result = run(20_000, (scheduler, ended, client) -> {
            if (lives.add(client.life.settings.number() + 0L)) {
                // Far more than the limit: threads of earlier tests may end meanwhile, and each hides one of these.
                for (int i = 0; i < 10 * Leftovers.MOST_THREADS; i++) {
                    start(end::await);
                }
            }
        });
        end.countDown();
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found).contains("LEAK", "is over", "threads where there were"));
    }

    @Test
    void whatAThreadThrowsIsFound() {
        SoakResult result = run(
                20_000,
                every((scheduler, ended, client) -> start(() -> {
                    throw new IllegalStateException("planted");
                })));
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found)
                        .contains("UNEXPECTED_FAILURE", "threw what nobody caught", "IllegalStateException: planted"));
    }

    @Test
    void whatIsDroppedIsFound() {
        SoakResult result = run(
                20_000,
                every((scheduler, ended, client) ->
                        Operators.onErrorDropped(new IllegalStateException("planted"), Context.empty())));
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found)
                        .contains("UNEXPECTED_FAILURE", "was dropped", "IllegalStateException: planted"));
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (InterruptedException asked) {
                Thread.currentThread().interrupt();
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    @Test
    void aSequenceThatNobodyServesIsFound() {
        Scale hasty = new Scale(24, 12, 96, 96, 4L << 20, 500, 1_000, 200, 200, 50_000, Duration.ofSeconds(2));
        SoakResult result = Soak.run(
                new SoakOptions(3, LONG, 20_000), hasty, every(SoakTest::pauseForEver), () -> true, seconds -> {});
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found).contains("STUCK", "no step for 2 s", "clients="));
    }

    @Test
    void aClientThatStarvesWhileOthersAreServedIsFound() {
        Scale busy = new Scale(24, 12, 96, 96, 4L << 20, 1_000_000, 1_000_000, 200, 200, 1_000, Duration.ofMinutes(1));
        SoakResult result = Soak.run(
                new SoakOptions(3, LONG, 1_000_000),
                busy,
                every((scheduler, ended, client) -> pauseOneForEver(scheduler)),
                () -> true,
                seconds -> {});
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found).contains("STUCK", "wants tokens and got none since step"));
    }

    private static void pauseOneForEver(BlockScheduler scheduler) {
        scheduler
                .snapshot()
                .subscribe(now ->
                        now.sequences().stream().findFirst().ifPresent(sequence -> scheduler.pause(sequence.id())));
    }

    private static void pauseForEver(BlockScheduler scheduler, long ended, Client client) {
        scheduler
                .snapshot()
                .subscribe(now -> now.sequences().stream().limit(4).forEach(one -> scheduler.pause(one.id())));
    }

    @Test
    void aPageThatSomebodyElseWritesToIsFound() {
        SoakResult result = run(20_000, every((scheduler, ended, client) -> {
            PageArena arena = scheduler.memory().arena(1, 0, 0);
            byte[] garbage = new byte[(int) arena.spec().pageBytes()];
            for (int page = 1; page < arena.spec().pages(); page++) {
                arena.write(page, 0, garbage);
            }
        }));
        assertThat(findings(result))
                .anySatisfy(found -> assertThat(found)
                        .contains("WRONG_TOKEN", "a page must hold what its sequence wrote", "cache=1"));
    }

    @Test
    void whoSaysStopEndsItInGoodOrder() {
        long[] asked = {0};
        SoakResult result = Soak.run(
                new SoakOptions(1, LONG, Long.MAX_VALUE),
                Scale.SMALL,
                Plant.NONE,
                () -> asked[0]++ < 100,
                seconds -> {});
        assertThat(findings(result)).isEmpty();
        assertThat(result.sequences()).isPositive();
    }
}
