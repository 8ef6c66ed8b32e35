package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.host.HostMemoryDevice;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The scheduler's own memory: copies and zeroing before a step, and what becomes of it when the device fails. */
class StepMemoryTest {

    private final HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
    private Fault fault = Fault.NONE;
    private final FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> fault);

    @AfterEach
    void close() {
        host.close();
    }

    private Rig rig(boolean zeroOnRelease) {
        return new Rig(
                40,
                builder -> builder.device(device)
                        .zeroOnRelease(zeroOnRelease)
                        .scheduling(core -> core.prefixCaching(false)));
    }

    private static Client decoding(Rig rig) {
        Client parent =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(6))).asks(Long.MAX_VALUE);
        rig.step();
        return parent;
    }

    private static Client fork(Rig rig, Client parent) {
        SequenceId id = Objects.requireNonNull(parent.events.get(0).sequence());
        return Client.of(rig.scheduler.fork(id)).asks(Long.MAX_VALUE);
    }

    private static byte[] content(PageArena arena, int block) {
        byte[] bytes = new byte[(int) arena.spec().pageBytes()];
        arena.read(block, 0, bytes);
        return bytes;
    }

    private static byte[] filled(PageArena arena, int value) {
        byte[] bytes = new byte[(int) arena.spec().pageBytes()];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void copiesAreOverWhenTheStepIsHandedOut() {
        Rig rig = rig(false);
        Client parent = decoding(rig);
        PageArena arena = rig.scheduler.memory().arena(0, 0, 0);
        Step step = rig.steps.element();
        for (int i = 0; i < step.blockCount(0); i++) {
            arena.write(step.block(0, i), 0, filled(arena, 10 + i));
        }
        fork(rig, parent);
        rig.step();
        Step copying = rig.steps.element();
        assertThat(copying.copies()).isEqualTo(3);
        for (int i = 0; i < 3; i++) {
            assertThat(content(arena, copying.copyDestination(i)))
                    .isEqualTo(content(arena, copying.copySource(i)))
                    .isEqualTo(filled(arena, 10 + i));
        }
    }

    @Test
    void aCopyThatFailsEndsTheForkAndNobodyElse() {
        Rig rig = rig(false);
        Client parent = decoding(rig);
        Client fork = fork(rig, parent);
        fault = Fault.FAIL;
        rig.stepAll();
        assertThat(fork.error).isInstanceOf(FaultyDeviceMemory.InjectedFaultException.class);
        assertThat(fork.events).isEmpty();
        assertThat(parent.tokens()).isEqualTo(Rig.output(9, 6));
        assertThat(rig.scheduler.metrics().freeBlocks()).isEqualTo(40);
    }

    @Test
    void aStepWaitsForItsCopies() {
        Rig rig = rig(false);
        Client parent = decoding(rig);
        Client fork = fork(rig, parent);
        fault = Fault.DELAY;
        rig.step();
        assertThat(rig.steps).isEmpty();
        parent.cancel();
        assertThat(rig.scheduler.metrics().withheldBlocks()).isPositive();
        device.releaseNext();
        assertThat(rig.steps).hasSize(1);
        rig.stepAll();
        assertThat(fork.tokens()).isEqualTo(Rig.output(10, 5).subList(0, fork.events.size()));
        assertThat(fork.completed).isTrue();
        assertThat(rig.scheduler.metrics().freeBlocks()).isEqualTo(40);
    }

    @Test
    void aDeviceThatNeverAnswersKeepsItsMemoryAndTheClientsAreTold() {
        Rig rig = rig(false);
        Client parent = decoding(rig);
        Client fork = fork(rig, parent);
        fault = Fault.NEVER;
        rig.step();
        AtomicInteger disposed = new AtomicInteger();
        rig.scheduler.disposeLater().doOnTerminate(disposed::incrementAndGet).subscribe();
        assertThat(fork.error).isInstanceOf(SchedulerDisposedException.class);
        assertThat(parent.error).isInstanceOf(SchedulerDisposedException.class);
        assertThat(disposed).hasValue(0);
        assertThat(device.allocatedBytes()).isPositive();
    }

    @Test
    void aBlockIsZeroedBeforeAnotherSequenceGetsIt() {
        Rig rig = rig(true);
        PageArena arena = rig.scheduler.memory().arena(0, 0, 0);
        Client.of(rig.scheduler.generate(Rig.prompt(100).maxTokens(1))).asks(1);
        Step first = rig.steps.element();
        for (int i = 0; i < first.blockCount(0); i++) {
            arena.write(first.block(0, i), 0, filled(arena, 7));
        }
        rig.stepAll();
        Client.of(rig.scheduler.generate(Rig.prompt(150, 5000).maxTokens(1))).asks(1);
        Step second = rig.steps.element();
        for (int i = 0; i < 25; i++) {
            assertThat(content(arena, second.block(0, i))).isEqualTo(filled(arena, 0));
        }
    }

    @Test
    void evictedBlocksAreZeroedToo() {
        Rig rig = new Rig(30, builder -> builder.device(device).zeroOnRelease(true));
        PageArena arena = rig.scheduler.memory().arena(0, 0, 0);
        Client.of(rig.scheduler.generate(Rig.prompt(100).maxTokens(1))).asks(1);
        for (int block = 1; block <= 30; block++) {
            arena.write(block, 0, filled(arena, 7));
        }
        rig.stepAll();
        assertThat(rig.scheduler.metrics().cachedBlocks()).isEqualTo(25);
        Client.of(rig.scheduler.generate(Rig.prompt(110, 5000).maxTokens(1))).asks(1);
        Step step = rig.steps.element();
        int zeroed = 0;
        for (int i = 0; i < step.blockCount(0); i++) {
            zeroed += content(arena, step.block(0, i))[0] == 0 ? 1 : 0;
        }
        assertThat(zeroed).as("all but the five that were never used").isGreaterThanOrEqualTo(23);
    }

    @Test
    void aPoisonedBlockIsNaNBeforeItsFirstSequenceAndAfterItsLast() {
        Rig rig = new Rig(
                30,
                builder -> builder.device(device).poisonOnRelease(true).scheduling(core -> core.prefixCaching(false)));
        PageArena arena = rig.scheduler.memory().arena(0, 0, 0);
        Client.of(rig.scheduler.generate(Rig.prompt(100).maxTokens(1))).asks(1);
        for (int block = 1; block <= 30; block++) {
            assertThat(content(arena, block)).as("block %d", block).isEqualTo(filled(arena, 0xFF));
            arena.write(block, 0, filled(arena, 7));
        }
        rig.stepAll();
        Client.of(rig.scheduler.generate(Rig.prompt(90).maxTokens(1))).asks(1);
        Step step = rig.steps.element();
        for (int i = 0; i < step.blockCount(0); i++) {
            assertThat(content(arena, step.block(0, i))).isEqualTo(filled(arena, 0xFF));
        }
    }

    @Test
    void noStepIsPlannedWhileTheBlocksOfAnotherAreZeroed() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        Rig rig = new Rig(
                30,
                builder -> builder.device(device)
                        .zeroOnRelease(true)
                        .maxStepsInFlight(2)
                        .scheduling(core -> core.prefixCaching(false).maxBatchSize(1))
                        .loopOn(time));
        Client.of(rig.scheduler.generate(Rig.prompt(90).maxTokens(1))).asks(1);
        rig.stepAll();
        fault = Fault.DELAY;
        Client.of(rig.scheduler.generate(Rig.prompt(7, 100).maxTokens(1))).asks(9);
        Client.of(rig.scheduler.generate(Rig.prompt(7, 200).maxTokens(1))).asks(9);
        assertThat(rig.steps).isEmpty();
        assertThat(rig.scheduler.metrics().stepsInFlight()).isEqualTo(1);
        fault = Fault.NONE;
        device.releaseNext();
        rig.stepAll();
        assertThat(rig.scheduler.metrics().finished()).isEqualTo(3);
    }

    @Test
    void aStepWhoseBlocksCouldNotBeZeroedIsNotHandedOut() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        Rig rig = new Rig(
                30, builder -> builder.device(device).zeroOnRelease(true).loopOn(time));
        Client.of(rig.scheduler.generate(Rig.prompt(90).maxTokens(1))).asks(1);
        rig.stepAll();
        Client.of(rig.scheduler.generate(Rig.prompt(7, 100).maxTokens(2))).asks(9);
        rig.step();
        fault = Fault.FAIL;
        Client failed = Client.of(rig.scheduler.generate(Rig.prompt(100, 5000).maxTokens(1)))
                .asks(1);
        rig.stepAll();
        assertThat(failed.error).isInstanceOf(FaultyDeviceMemory.InjectedFaultException.class);
        fault = Fault.NONE;
        time.advanceTimeBy(Duration.ofSeconds(2));
        Client next = Client.of(rig.scheduler.generate(Rig.prompt(100, 9000).maxTokens(1)))
                .asks(1);
        rig.stepAll();
        assertThat(next.completed).isTrue();
        assertThat(rig.scheduler.metrics().stepsFailed()).isEqualTo(1);
    }

    @Test
    void aStepThatCameToNothingIsNotBuiltUponWhileAnEarlierOneIsInFlight() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        Rig rig = new Rig(
                30,
                builder -> builder.device(device)
                        .zeroOnRelease(true)
                        .tokenBuffer(0)
                        .maxStepsInFlight(3)
                        .scheduling(core -> core.prefixCaching(false))
                        .loopOn(time));
        Client paused = Client.of(rig.scheduler.generate(Rig.prompt(20))).asks(1);
        rig.stepAll();
        Client decoding = Client.of(rig.scheduler.generate(Rig.prompt(9, 100))).asks(1);
        assertThat(rig.steps).hasSize(1);
        fault = Fault.FAIL;
        paused.cancel();
        decoding.asks(5); // a step on the token that the one in flight samples, which comes to nothing
        fault = Fault.NONE;
        assertThat(rig.steps).as("none names a token that nobody samples").hasSize(1);
        assertThat(rig.scheduler.metrics().stepsInFlight()).isEqualTo(2);
        rig.stepAll();
        assertThat(decoding.tokens()).isEqualTo(Rig.output(9, 1));
        assertThat(decoding.error).isInstanceOf(FaultyDeviceMemory.InjectedFaultException.class);
        assertThat(rig.scheduler.metrics().heldBlocks()).isZero();
    }

    @Test
    void disposingGivesTheMemoryBack() {
        Rig rig = rig(false);
        assertThat(device.allocatedBytes()).isPositive();
        rig.scheduler.disposeLater().block();
        assertThat(device.allocatedBytes()).isZero();
        host.allocate(new ArenaSpec(0, 0, 0, DeviceRef.gpu(0), 1, 1));
    }

    @Test
    void aSchedulerOverExternalMemoryHasNone() {
        BlockScheduler scheduler = Rig.builder(4).externalMemory().build();
        assertThatThrownBy(scheduler::memory)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("externalMemory");
    }

    @Test
    void aStepThatCameToNothingWithNobodyThereDoesNotStallTheNextReceiver() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        AtomicReference<Fault> lateFault = new AtomicReference<>(Fault.NONE);
        FaultyDeviceMemory late = new FaultyDeviceMemory(device, batch -> lateFault.get());
        Rig rig = new Rig(
                30,
                builder -> builder.device(late)
                        .zeroOnRelease(true)
                        .scheduling(core -> core.prefixCaching(false))
                        .loopOn(time));
        Client.of(rig.scheduler.generate(Rig.prompt(90).maxTokens(1))).asks(1);
        rig.stepAll();
        lateFault.set(Fault.DELAY);
        fault = Fault.FAIL;
        Client failed = Client.of(rig.scheduler.generate(Rig.prompt(100, 5000).maxTokens(1)))
                .asks(1);
        assertThat(late.delayed()).isEqualTo(1);
        rig.cancel();
        late.releaseNext();
        assertThat(failed.error).isInstanceOf(FaultyDeviceMemory.InjectedFaultException.class);
        assertThat(rig.steps).isEmpty();
        lateFault.set(Fault.NONE);
        fault = Fault.NONE;
        time.advanceTimeBy(Duration.ofSeconds(2));
        Client.of(rig.scheduler.generate(Rig.prompt(3, 9000).maxTokens(1))).asks(1);
        List<Long> numbers = new ArrayList<>();
        rig.scheduler.steps().take(1).subscribe(step -> numbers.add(step.number()));
        assertThat(numbers).containsExactly(3L);
    }

    @Test
    void aDisposalDoesNotWaitForAnotherSchedulersBatches() {
        Rig rig = rig(false);
        Rig other = rig(false);
        long both = device.allocatedBytes();
        Client parent = decoding(rig);
        Client fork = fork(rig, parent);
        fault = Fault.DELAY;
        rig.step();
        assertThat(device.delayed()).isEqualTo(1);
        other.scheduler.disposeLater().block();
        assertThat(device.allocatedBytes()).isEqualTo(both / 2);
        device.releaseNext();
        fault = Fault.NONE;
        rig.stepAll();
        assertThat(fork.completed).isTrue();
        rig.scheduler.disposeLater().block();
        assertThat(device.allocatedBytes()).isZero();
    }

    @Test
    void zeroingCannotBeSwitchedOffBehindItsBack() {
        Rig rig = new Rig(
                30,
                builder -> builder.device(device).zeroOnRelease(true).scheduling(core -> core.reportEmptied(false)));
        PageArena arena = rig.scheduler.memory().arena(0, 0, 0);
        Client.of(rig.scheduler.generate(Rig.prompt(100).maxTokens(1))).asks(1);
        for (int block = 1; block <= 30; block++) {
            arena.write(block, 0, filled(arena, 7));
        }
        rig.stepAll();
        Client.of(rig.scheduler.generate(Rig.prompt(110, 5000).maxTokens(1))).asks(1);
        Step step = rig.steps.element();
        int zeroed = 0;
        for (int i = 0; i < step.blockCount(0); i++) {
            zeroed += content(arena, step.block(0, i))[0] == 0 ? 1 : 0;
        }
        assertThat(zeroed).isGreaterThanOrEqualTo(23);
    }

    @Test
    void aBrokenSchedulerGivesItsMemoryBackOnceNoStepTouchesIt() {
        AtomicBoolean broken = new AtomicBoolean();
        Rig rig = new Rig(
                40,
                builder -> builder.device(device)
                        .recorder(new SchedulerRecorder() {})
                        .clock(() -> {
                            if (broken.get()) {
                                throw new AssertionError("bug");
                            }
                            return 0;
                        }));
        Client client =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(6))).asks(9);
        broken.set(true);
        Client second =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(6))).asks(9);
        assertThat(client.error).isInstanceOf(SchedulerDisposedException.class);
        assertThat(second.error).isInstanceOf(SchedulerDisposedException.class);
        List<Throwable> disposals = new ArrayList<>();
        rig.scheduler.disposeLater().subscribe(nothing -> {}, disposals::add);
        assertThat(device.allocatedBytes()).as("a step is in flight").isPositive();
        assertThat(disposals).isEmpty();
        rig.stepAll();
        assertThat(device.allocatedBytes()).isZero();
        assertThat(disposals).hasSize(1);
        assertThat(disposals.get(0)).hasMessage("bug");
        rig.scheduler.disposeLater().subscribe(nothing -> {}, disposals::add);
        assertThat(disposals).hasSize(2);
    }
}
