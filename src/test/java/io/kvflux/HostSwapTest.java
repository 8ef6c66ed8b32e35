package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.core.PreemptionMode;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.tier.HostPolicy;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The scheduler with a host tier: bytes that go down and come back, and what becomes of everybody when they do not. */
class HostSwapTest {

    /** Four full pages and a token. */
    private static final SequenceSpec PROMPT = Rig.prompt(17).maxTokens(2);

    private HostRig host = new HostRig();

    @AfterEach
    void close() {
        host.close();
    }

    private void use(UnaryOperator<BlockSchedulerBuilder> settings) {
        host.close();
        host = new HostRig(settings);
    }

    /** The prompt was computed, its pages 10, 11, 12 and 13, and is on the host alone. */
    private void store() {
        host.run(PROMPT, 10);
        host.evictAll();
    }

    private SchedulerMetrics metrics() {
        return host.scheduler.metrics();
    }

    @ParameterizedTest
    @EnumSource(HostSlots.Touch.class)
    void whenTheHostsMemoryIsTakenDoesNotMatterToWhatIsInIt(HostSlots.Touch when) {
        use(builder -> builder.hostTouch(when));
        store();
        host.submit(PROMPT);
        assertThat(host.pages(host.newest(), 0, 4)).containsExactly(10, 11, 12, 13);
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void whatLeftTheDeviceComesBackByteForByte(HostPolicy policy) {
        use(builder -> builder.hostPolicy(policy));
        store();
        assertThat(metrics().offloadedBlocks()).isEqualTo(4);
        assertThat(metrics().hostResidentBlocks()).isEqualTo(4);
        Client again = host.submit(PROMPT);
        Step step = host.newest();
        assertThat(step.cacheLength(0)).isEqualTo(16);
        assertThat(step.tokenCount(0)).isEqualTo(1);
        assertThat(host.pages(step, 0, 4)).containsExactly(10, 11, 12, 13);
        host.rig.stepAll();
        assertThat(again.tokens()).isEqualTo(Rig.output(17, 2));
        assertThat(metrics().onloadedBlocks()).isEqualTo(4);
        assertThat(metrics().cachedTokens()).isEqualTo(16);
        assertThat(metrics().hostResidentBlocks()).isEqualTo(policy == HostPolicy.EXCLUSIVE ? 0 : 4);
    }

    @Test
    void aStepIsNotHandedOutBeforeWhatItNeedsHasLanded() {
        store();
        host.transfers = Fault.DELAY;
        Client again = host.submit(PROMPT);
        assertThat(host.rig.steps).isEmpty();
        assertThat(metrics().transfersInFlight()).isEqualTo(1);
        assertThat(metrics().running()).isEqualTo(1);
        host.device.releaseNext();
        assertThat(metrics().transfersInFlight()).isZero();
        assertThat(host.pages(host.newest(), 0, 4)).containsExactly(10, 11, 12, 13);
        host.rig.stepAll();
        assertThat(again.tokens()).isEqualTo(Rig.output(17, 2));
    }

    @Test
    void othersRunWhileOneIsBroughtBack() {
        store();
        host.transfers = Fault.DELAY;
        Client loading = host.submit(PROMPT);
        Client other = host.submit(Rig.prompt(5, 9000).maxTokens(3));
        host.rig.stepAll();
        assertThat(other.completed).isTrue();
        assertThat(loading.events).isEmpty();
        host.device.releaseNext();
        host.rig.stepAll();
        assertThat(loading.tokens()).isEqualTo(Rig.output(17, 2));
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void cancelWhileOnloadingGivesEveryBlockBackOnceTheCopyHasLanded(HostPolicy policy) {
        use(builder -> builder.hostPolicy(policy));
        store();
        host.transfers = Fault.DELAY;
        host.submit(PROMPT).cancel();
        assertThat(metrics().heldBlocks()).isZero();
        assertThat(metrics().withheldBlocks()).isEqualTo(4);
        assertThat(metrics().freeBlocks()).isEqualTo(4);
        host.device.releaseNext();
        assertThat(metrics().freeBlocks()).isEqualTo(8);
        assertThat(metrics().transfersInFlight()).isZero();
        host.transfers = Fault.NONE;
        StepVerifier.create(host.scheduler.clearCache()).expectNext(true).verifyComplete();
        assertThat(metrics().hostResidentBlocks()).isZero();
    }

    @Test
    void aBlockIsNotReusedWhileACopyDownReadsIt() {
        host.run(PROMPT, 10);
        host.transfers = Fault.DELAY;
        Client large = host.submit(Rig.prompt(29, 5000).maxTokens(1));
        assertThat(host.rig.steps).as("its blocks are still read").isEmpty();
        assertThat(metrics().withheldBlocks()).isEqualTo(4);
        host.transfers = Fault.NONE;
        host.device.releaseNext();
        host.write(50);
        host.rig.stepAll();
        assertThat(large.completed).isTrue();
        host.evictAll();
        host.submit(PROMPT);
        assertThat(host.pages(host.newest(), 0, 4)).containsExactly(10, 11, 12, 13);
    }

    /** Half a copy brings half of the pages; one of which nothing is known brings none. */
    @ParameterizedTest
    @CsvSource({"FAIL,0", "HALF_FAIL,2", "DELAY_FAIL,2", "DONE_FAIL,0", "REFUSE,0"})
    void aSequenceComputesFromTheFirstPageThatDidNotComeBack(Fault fault, int landed) {
        store();
        host.transfers = fault;
        Client again = host.submit(PROMPT);
        host.device.releaseNext();
        Step step = host.newest();
        assertThat(step.cacheLength(0)).isEqualTo(landed * Rig.PAGE);
        assertThat(step.tokenCount(0)).isEqualTo(17 - landed * Rig.PAGE);
        for (int i = 0; i < landed; i++) {
            assertThat(host.pages(step, 0, landed)[i]).isEqualTo(10 + i);
        }
        host.transfers = Fault.NONE;
        host.rig.stepAll();
        assertThat(again.tokens()).isEqualTo(Rig.output(17, 2));
        assertThat(metrics().transfersFailed()).isEqualTo(1);
        assertThat(metrics().onloadedBlocks()).isEqualTo(landed);
        assertThat(metrics().stepsFailed()).isZero();
        assertThat(metrics().failed()).isZero();
    }

    /** They go tail first, so half a copy down leaves the end of the prompt on the host, which no prompt reaches. */
    @ParameterizedTest
    @CsvSource({"FAIL,0", "HALF_FAIL,2", "DELAY_FAIL,2", "DONE_FAIL,0", "REFUSE,0"})
    void whatDidNotReachTheHostIsComputedAgain(Fault fault, int landed) {
        host.run(PROMPT, 10);
        host.transfers = fault;
        Client filler = host.submit(Rig.prompt(31, 5000).maxTokens(1));
        host.device.releaseNext();
        host.rig.stepAll();
        assertThat(filler.completed).isTrue();
        assertThat(metrics().transfersFailed()).isEqualTo(1);
        assertThat(metrics().offloadedBlocks()).isEqualTo(landed);
        assertThat(metrics().hostResidentBlocks()).isEqualTo(landed);
        host.transfers = Fault.NONE;
        StepVerifier.create(host.scheduler.match(PROMPT)).expectNext(0).verifyComplete();
        Client again = host.submit(PROMPT);
        assertThat(host.newest().cacheLength(0)).isZero();
        host.rig.stepAll();
        assertThat(again.tokens()).isEqualTo(Rig.output(17, 2));
    }

    @Test
    void theHostIsMatchedWithoutChangingAnything() {
        store();
        StepVerifier.create(host.scheduler.match(PROMPT)).expectNext(16).verifyComplete();
        StepVerifier.create(host.scheduler.match(PROMPT.salt("x")))
                .expectNext(0)
                .verifyComplete();
        assertThat(metrics().onloadedBlocks()).isZero();
        assertThat(metrics().freeBlocks()).isEqualTo(8);
    }

    /** Two that grow beyond the device together: one is preempted, and nothing is measured, so copies are free. */
    @ParameterizedTest
    @EnumSource(PreemptionMode.class)
    void aPreemptedSequenceComputesNothingAgainUnlessItIsToldTo(PreemptionMode mode) {
        use(builder -> builder.preemption(mode));
        Client first = host.submit(Rig.prompt(15).maxTokens(6));
        Client second = host.submit(Rig.prompt(15, 5000).maxTokens(6));
        int computed = 0;
        while (!host.rig.steps.isEmpty()) {
            Step step = host.newest();
            for (int entry = 0; entry < step.size(); entry++) {
                computed += step.tokenCount(entry);
            }
            host.rig.step();
        }
        assertThat(first.tokens()).isEqualTo(Rig.output(15, 6));
        assertThat(second.tokens()).isEqualTo(Rig.output(15, 6));
        assertThat(metrics().preemptions()).isEqualTo(1);
        if (mode == PreemptionMode.RECOMPUTE) {
            assertThat(metrics().offloadPreemptions()).isZero();
            assertThat(metrics().onloadedBlocks()).isZero();
            assertThat(computed).isGreaterThan(40);
        } else {
            assertThat(metrics().offloadPreemptions()).isEqualTo(1);
            assertThat(metrics().onloadedBlocks()).isPositive();
            assertThat(computed).as("fifteen and five tokens each").isEqualTo(40);
        }
    }

    // ---- the end

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDisposalWaitsForCopiesAndGivesBothMemoriesBack(boolean up) {
        host.close();
        long before = Region.liveBytes();
        host = new HostRig();
        if (up) {
            store();
        } else {
            host.run(PROMPT, 10);
        }
        host.transfers = Fault.DELAY;
        Client client = host.submit(up ? PROMPT : Rig.prompt(31, 5000));
        assertThat(metrics().transfersInFlight()).isEqualTo(1);
        AtomicInteger disposed = new AtomicInteger();
        host.scheduler.disposeLater().doOnTerminate(disposed::incrementAndGet).subscribe();
        assertThat(client.error).isNotNull();
        host.rig.stepAll();
        assertThat(disposed).as("a copy is in flight").hasValue(0);
        assertThat(host.device.allocatedBytes()).isPositive();
        assertThat(Region.liveBytes()).isGreaterThan(before);
        host.device.releaseNext();
        assertThat(disposed).hasValue(1);
        assertThat(host.device.allocatedBytes()).isZero();
        assertThat(Region.liveBytes()).isLessThanOrEqualTo(before); // what earlier tests left may go meanwhile
    }

    @Test
    void aGracefulDisposalLetsWhatIsBroughtBackGoOn() {
        store();
        host.transfers = Fault.DELAY;
        Client again = host.submit(PROMPT);
        AtomicInteger disposed = new AtomicInteger();
        host.scheduler
                .disposeGracefully(Duration.ofHours(1))
                .doOnTerminate(disposed::incrementAndGet)
                .subscribe();
        assertThat(disposed).hasValue(0);
        host.device.releaseNext();
        host.rig.stepAll();
        assertThat(again.tokens()).isEqualTo(Rig.output(17, 2));
        assertThat(disposed).hasValue(1);
        assertThat(host.device.allocatedBytes()).isZero();
    }

    @Test
    void aGracefulDisposalWaitsForACopyThatNobodyWaitsFor() {
        use(builder -> builder.hostPolicy(HostPolicy.WRITE_THROUGH));
        host.transfers = Fault.DELAY;
        host.run(PROMPT, 10);
        assertThat(metrics().transfersInFlight()).isEqualTo(1);
        AtomicInteger disposed = new AtomicInteger();
        host.scheduler
                .disposeGracefully(Duration.ofHours(1))
                .doOnTerminate(disposed::incrementAndGet)
                .subscribe();
        assertThat(disposed).hasValue(0);
        host.device.releaseNext();
        assertThat(disposed).hasValue(1);
        assertThat(host.device.allocatedBytes()).isZero();
    }

    @Test
    void workersThatTakeNothingAreAFailedCopyAndNoBrokenScheduler() {
        Scheduler workers = Schedulers.newSingle("copies");
        workers.dispose();
        use(builder -> builder.copyOn(workers));
        host.run(PROMPT, 10);
        Client filler = host.submit(Rig.prompt(31, 5000).maxTokens(1));
        host.rig.stepAll();
        assertThat(filler.completed).isTrue();
        assertThat(metrics().transfersFailed()).isEqualTo(1);
        assertThat(metrics().hostResidentBlocks()).isZero();
        host.scheduler.disposeLater().block();
        assertThat(host.device.allocatedBytes()).isZero();
    }

    @Test
    void aBrokenSchedulerGivesItsMemoriesBackOnceNoCopyTouchesThem() {
        AtomicBoolean broken = new AtomicBoolean();
        use(builder -> builder.clock(() -> {
            if (broken.get()) {
                throw new AssertionError("bug");
            }
            return 0;
        }));
        store();
        host.transfers = Fault.DELAY;
        Client loading = host.submit(PROMPT);
        broken.set(true);
        host.submit(Rig.prompt(3, 9000));
        assertThat(loading.error).hasMessageContaining("found its own state broken");
        AtomicInteger disposed = new AtomicInteger();
        host.scheduler.disposeLater().subscribe(nothing -> {}, error -> disposed.incrementAndGet());
        assertThat(disposed).as("a copy is in flight").hasValue(0);
        host.device.releaseNext();
        host.rig.stepAll();
        assertThat(disposed).hasValue(1);
        assertThat(host.device.allocatedBytes()).isZero();
    }

    // ---- the cache, and fills

    @Test
    void theCacheIsNotClearedWhileACopyIsInFlight() {
        use(builder -> builder.hostPolicy(HostPolicy.WRITE_THROUGH));
        host.transfers = Fault.DELAY;
        host.run(PROMPT, 10);
        assertThat(metrics().heldBlocks()).isZero();
        StepVerifier.create(host.scheduler.clearCache()).expectNext(false).verifyComplete();
        assertThat(metrics().cachedBlocks()).isEqualTo(4);
        host.device.releaseNext();
        assertThat(metrics().hostResidentBlocks()).isEqualTo(4);
        StepVerifier.create(host.scheduler.clearCache()).expectNext(true).verifyComplete();
        assertThat(metrics().hostResidentBlocks()).isZero();
        assertThat(metrics().freeBlocks()).isEqualTo(8);
        StepVerifier.create(host.scheduler.match(PROMPT)).expectNext(0).verifyComplete();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsBroughtBackIsNotFilledAfterwards(boolean zero) {
        use(builder -> zero ? builder.zeroOnRelease(true) : builder.poisonOnRelease(true));
        store();
        host.submit(PROMPT);
        Step step = host.newest();
        assertThat(host.pages(step, 0, 4)).containsExactly(10, 11, 12, 13);
        assertThat(host.pages(step, 0, 5)[4]).as("an empty one is filled").isEqualTo(zero ? 0 : (byte) 0xFF);
    }

    /** The next step of another fills blocks, those to be brought back among them, and the device fails that. */
    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"NONE", "DELAY", "FAIL", "DELAY_FAIL", "DONE_FAIL", "REFUSE"})
    void whatIsBroughtBackIsNotFilledWhenAnotherBatchFails(Fault fault) {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        use(builder -> builder.zeroOnRelease(true).loopOn(time));
        host.run(PROMPT, 10);
        Client busy = host.submit(Rig.prompt(31, 5000).maxTokens(1));
        busy.cancel();
        host.fills = fault;
        Client other = host.submit(Rig.prompt(3, 9000).maxTokens(1));
        Client again = host.submit(PROMPT);
        host.rig.step();
        boolean fails = fault.name().endsWith("FAIL") || fault == Fault.REFUSE;
        if (fault == Fault.DELAY || fault == Fault.DELAY_FAIL) {
            assertThat(host.device.delayed()).isEqualTo(1);
            assertThat(metrics().onloadedBlocks()).as("blocks are being filled").isZero();
        }
        host.fills = Fault.NONE;
        host.device.releaseNext();
        time.advanceTimeBy(Duration.ofSeconds(2));
        boolean seen = false;
        for (Step step = host.rig.steps.peek(); step != null; step = host.rig.steps.peek()) {
            for (int entry = 0; entry < step.size(); entry++) {
                if (step.cacheLength(entry) == 16) {
                    assertThat(host.pages(step, entry, 4)).containsExactly(10, 11, 12, 13);
                    seen = true;
                }
            }
            host.rig.step();
        }
        assertThat(seen).isTrue();
        assertThat(again.tokens()).isEqualTo(Rig.output(17, 2));
        assertThat(other.error != null).isEqualTo(fails);
        if (fails) {
            assertThat(other.error).isInstanceOf(FaultyDeviceMemory.InjectedFaultException.class);
        }
        assertThat(metrics().transfersFailed()).isZero();
    }
}
