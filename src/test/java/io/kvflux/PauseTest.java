package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sequences that others than their clients pause and resume, with a host tier and without. */
class PauseTest {

    private final HostRig host = new HostRig();

    @AfterEach
    void close() {
        host.close();
    }

    private static SequenceId id(Client client) {
        return Objects.requireNonNull(client.events.get(0).sequence());
    }

    private SchedulerMetrics metrics() {
        return host.scheduler.metrics();
    }

    /** A sequence that has ten tokens, nine of them computed: two full pages and one token in the third. */
    private Client decoding() {
        Client client = host.submit(Rig.prompt(9).maxTokens(6));
        host.write(10);
        host.rig.step();
        return client;
    }

    @Test
    void aRunningSequenceKeepsItsKvOnTheHostAndGoesOnWithIt() {
        Client client = decoding();
        host.scheduler.pause(id(client));
        assertThat(metrics().running()).as("a step in flight writes its blocks").isEqualTo(1);
        host.rig.step();
        assertThat(host.rig.steps).isEmpty();
        assertThat(metrics().running()).isZero();
        assertThat(metrics().waiting()).isEqualTo(1);
        assertThat(metrics().heldBlocks()).isZero();
        assertThat(metrics().cachedBlocks()).as("its full pages").isEqualTo(2);
        assertThat(metrics().offloadedBlocks()).as("its open page").isEqualTo(1);
        assertThat(metrics().preemptions()).as("nobody needed its blocks").isZero();
        host.evictAll();
        assertThat(metrics().offloadedBlocks()).isEqualTo(3);

        host.scheduler.resume(id(client));
        Step step = host.newest();
        assertThat(step.cacheLength(0)).as("nothing is computed again").isEqualTo(10);
        assertThat(step.tokenCount(0)).isEqualTo(1);
        assertThat(host.pages(step, 0, 3)).containsExactly(10, 11, 12);
        host.rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(9, 6));
        assertThat(client.completed).isTrue();
        assertThat(metrics().hostResidentBlocks()).as("its open page has left").isEqualTo(2);
    }

    @Test
    void whatItsTailNeedsMayBeGoneThenItIsComputedAgain() {
        Client client = decoding();
        host.scheduler.pause(id(client));
        host.rig.step();
        host.transfers = Fault.FAIL;
        host.evictAll(); // its full pages do not reach the host
        host.transfers = Fault.NONE;
        host.scheduler.resume(id(client));
        assertThat(host.newest().cacheLength(0)).isZero();
        host.rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(9, 6));
        assertThat(metrics().hostResidentBlocks())
                .as("nobody asks for its tail any more")
                .isZero();
    }

    @ParameterizedTest
    @CsvSource({"FAIL,0", "HALF_FAIL,4", "DONE_FAIL,0", "REFUSE,0"})
    void whatDoesNotComeBackIsComputedAgain(Fault fault, int computed) {
        Client client = decoding();
        host.scheduler.pause(id(client));
        host.rig.step();
        host.evictAll();
        host.transfers = fault;
        host.scheduler.resume(id(client));
        assertThat(host.newest().cacheLength(0)).isEqualTo(computed);
        host.transfers = Fault.NONE;
        host.rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(9, 6));
        assertThat(metrics().transfersFailed()).isEqualTo(1);
    }

    @Test
    void aRunningSequenceIsComputedAgainWithoutAHost() {
        Rig rig = new Rig(8);
        Client client =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(6))).asks(9);
        rig.step();
        rig.scheduler.pause(id(client));
        assertThat(rig.scheduler.metrics().heldBlocks()).isZero();
        assertThat(rig.scheduler.metrics().running()).isZero();
        rig.stepAll();
        assertThat(client.tokens()).as("what was in flight still comes").isEqualTo(Rig.output(9, 2));
        rig.scheduler.resume(id(client));
        assertThat(rig.steps.element().cacheLength(0))
                .as("its full pages are found")
                .isEqualTo(8);
        rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(9, 6));
        assertThat(rig.scheduler.metrics().preemptions()).isZero();
    }

    @Test
    void aSequenceThatWaitsIsNotAdmittedUntilItIsResumed() {
        Client running = host.submit(Rig.prompt(25).maxTokens(3));
        host.rig.step();
        Client waiting = host.submit(Rig.prompt(9, 5000).maxTokens(6));
        assertThat(metrics().waiting()).isEqualTo(1);
        SequenceId second = new SequenceId(id(running).value() + 1);
        host.scheduler.pause(second);
        host.scheduler.pause(second);
        host.rig.stepAll();
        assertThat(running.completed).isTrue();
        assertThat(waiting.events).isEmpty();
        assertThat(metrics().waiting()).isEqualTo(1);
        host.scheduler.resume(second);
        host.scheduler.resume(second);
        host.rig.stepAll();
        assertThat(waiting.tokens()).isEqualTo(Rig.output(9, 6));
    }

    @Test
    void aSequenceThatIsBroughtBackIsPausedWhenThatHasLanded() {
        Client client = decoding();
        host.scheduler.pause(id(client));
        host.rig.step();
        host.evictAll();
        host.transfers = Fault.DELAY;
        host.scheduler.resume(id(client));
        assertThat(metrics().running()).isEqualTo(1);
        host.scheduler.pause(id(client));
        assertThat(metrics().running()).isEqualTo(1);
        host.transfers = Fault.NONE;
        host.device.releaseNext();
        assertThat(metrics().running()).isZero();
        assertThat(host.rig.steps).isEmpty();
        host.evictAll();
        host.scheduler.resume(id(client));
        assertThat(host.pages(host.newest(), 0, 3)).containsExactly(10, 11, 12);
        host.rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(9, 6));
    }

    @Test
    void resumedBeforeItHasLandedItGoesOn() {
        Client client = decoding();
        host.scheduler.pause(id(client));
        host.rig.step();
        host.evictAll();
        host.transfers = Fault.DELAY;
        host.scheduler.resume(id(client));
        host.scheduler.pause(id(client));
        host.scheduler.resume(id(client));
        host.device.releaseNext();
        assertThat(host.newest().cacheLength(0)).isEqualTo(10);
        host.rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(9, 6));
    }

    @Test
    void resumedWithItsStepStillInFlightItGoesOnAndLosesNothing() {
        Client client = decoding();
        host.scheduler.pause(id(client));
        host.scheduler.resume(id(client));
        host.rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(9, 6));
    }

    @Test
    void aPausedSequenceIsCancelledLikeAnyOther() {
        Client client = decoding();
        host.scheduler.pause(id(client));
        host.rig.step();
        host.evictAll();
        client.cancel();
        assertThat(metrics().waiting()).isZero();
        assertThat(metrics().hostResidentBlocks()).as("its tail is nobody's").isEqualTo(2);
        assertThat(metrics().freeBlocks()).isEqualTo(8);
    }

    @Test
    void aTailWhoseCopyIsUnderWayWhenItsSequenceEndsLeavesTheHost() {
        Client client = decoding();
        host.transfers = Fault.DELAY;
        host.scheduler.pause(id(client));
        host.rig.step();
        client.cancel();
        assertThat(metrics().withheldBlocks()).isEqualTo(1);
        host.transfers = Fault.NONE;
        host.device.releaseNext();
        assertThat(metrics().withheldBlocks()).isZero();
        assertThat(metrics().hostResidentBlocks()).isZero();
    }

    @Test
    void oneThatHasEndedIsIgnored() {
        Client client = decoding();
        host.rig.stepAll();
        host.scheduler.pause(id(client));
        host.scheduler.resume(id(client));
        host.scheduler.pause(new SequenceId(99));
        host.scheduler.resume(new SequenceId(99));
        assertThat(client.tokens()).isEqualTo(Rig.output(9, 6));
        assertThat(metrics().waiting()).isZero();
    }

    @Test
    void aDisposalEndsThePaused() {
        Client client = decoding();
        host.scheduler.pause(id(client));
        host.rig.step();
        host.scheduler.disposeLater().block();
        assertThat(client.error).isNotNull();
        assertThat(host.device.allocatedBytes()).isZero();
    }
}
