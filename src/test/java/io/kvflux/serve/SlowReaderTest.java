package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SchedulerSnapshot.SequenceState;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
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

    /** Waits until nothing has been generated for a while although there are sequences, all of them held back. */
    static void awaitStalled(Rig rig) {
        Flux.interval(Duration.ofMillis(50))
                .onBackpressureDrop()
                .map(tick -> rig.metrics().generatedTokens())
                .buffer(6, 1)
                .filter(counts -> counts.get(0) > 0 && new HashSet<>(counts).size() == 1)
                .timeout(Rig.PATIENCE)
                .blockFirst();
        assertThat(rig.snapshot().sequences()).isNotEmpty().allMatch(SequenceState::paused);
    }
}
