package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SchedulerSnapshot.SequenceState;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

/** A client that does not read is not computed for; its blocks are the first to go; and it misses nothing. */
class SlowReaderTest {

    /** Tokens that a client who reads nothing gets ahead: what fits the kernel's buffers, and about ten more. */
    private static final int AHEAD = 120;

    private static final String SLOW = "{\"prompt\": \"Hello\", \"max_tokens\": 700, \"seed\": 7, \"stream\": %s}";

    @Test
    void isPausedAfterABoundedNumberOfTokens() throws IOException {
        try (Rig rig = Rig.start();
                SocketClient slow = new SocketClient(rig)) {
            slow.post(SLOW.formatted(true));
            awaitStalled(rig);
            SequenceState sequence = rig.snapshot().sequences().get(0);
            assertThat(sequence.paused()).isTrue();
            assertThat(sequence.generatedTokens()).isBetween(9, AHEAD);
        }
    }

    @Test
    void givesItsBlocksToWhoReadsAndMissesNothing() throws IOException {
        String alone;
        try (Rig rig = new Rig(ServerOptions.defaults().pageSize(4).deviceBlocks(180))) {
            alone = rig.text(SLOW.formatted(false));
        }
        try (Rig rig = new Rig(ServerOptions.defaults().pageSize(4).deviceBlocks(180));
                SocketClient slow = new SocketClient(rig).post(SLOW.formatted(true))) {
            awaitStalled(rig);
            assertThat(rig.metrics().preemptions()).isZero();
            // 175 of 180 blocks.
            rig.complete("{\"prompt\": \"" + "x".repeat(500) + "\", \"max_tokens\": 200}");
            assertThat(rig.metrics().preemptions()).isEqualTo(1);
            SequenceState preempted = rig.snapshot().sequences().get(0);
            assertThat(preempted.running()).isFalse();
            assertThat(preempted.paused()).isTrue();
            assertThat(preempted.blocks()).isZero();
            assertThat(slow.rest()).isEqualTo(alone);
            rig.awaitRest();
            assertThat(rig.metrics().finished()).isEqualTo(2);
        }
    }

    /**
     * Waits until there are sequences, and six looks in a row found all of them held back with the same tokens. One look is
     * not enough: a client that reads is held back for a moment too, until the kernel has taken what was written.
     */
    static void awaitStalled(Rig rig) {
        Flux.interval(Duration.ofMillis(50))
                .onBackpressureDrop()
                .concatMap(tick -> rig.server.scheduler().snapshot(), 1)
                .map(SchedulerSnapshot::sequences)
                .buffer(6, 1)
                .filter(looks -> new HashSet<>(looks).size() == 1 && isHeldBack(looks.get(0)))
                .timeout(Rig.PATIENCE)
                .blockFirst();
    }

    private static boolean isHeldBack(List<SequenceState> sequences) {
        return !sequences.isEmpty()
                && sequences.stream().allMatch(sequence -> sequence.paused() && sequence.generatedTokens() > 0);
    }
}
