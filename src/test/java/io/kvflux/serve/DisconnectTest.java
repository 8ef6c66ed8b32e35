package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.serve.SocketClient.Leaving;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A client that leaves, at whatever time and in whatever way, gives its blocks back when the steps in flight are back. */
class DisconnectTest {

    private static final String LONG = "{\"prompt\": \"Hello\", \"max_tokens\": 1000, \"stream\": %s, \"n\": %d}";

    private final Rig rig = Rig.start();

    @AfterEach
    void close() {
        rig.awaitRest();
        assertThat(rig.metrics().finished()).isZero();
        rig.close();
    }

    @ParameterizedTest
    @EnumSource
    void whileItReads(Leaving how) throws IOException {
        try (SocketClient client = new SocketClient(rig).post(LONG.formatted(true, 1))) {
            for (int i = 0; i < 20; i++) {
                client.event();
            }
            rig.gate.close();
            client.readOn();
            rig.awaitHeld(1);
            client.leave(how);
            assertGivenBackWithTheStep(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whileItIsPaused(Leaving how) throws IOException {
        try (SocketClient client = new SocketClient(rig).post(LONG.formatted(true, 3))) {
            SlowReaderTest.awaitStalled(rig);
            assertThat(rig.metrics().heldBlocks()).isPositive();
            client.leave(how);
            rig.awaitRest();
            assertThat(rig.metrics().cancelled()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void beforeTheFirstToken(Leaving how) throws IOException {
        rig.gate.close();
        try (SocketClient client = new SocketClient(rig).post(LONG.formatted(true, 2))) {
            rig.awaitHeld(1);
            client.leave(how);
            assertGivenBackWithTheStep(2);
        }
    }

    @ParameterizedTest
    @EnumSource
    void beforeAWholeAnswer(Leaving how) throws IOException {
        rig.gate.close();
        try (SocketClient client = new SocketClient(rig).post(LONG.formatted(false, 2))) {
            rig.awaitHeld(1);
            client.leave(how);
            assertGivenBackWithTheStep(2);
        }
    }

    /** The blocks are not free while the step may touch them, and free when it is back. */
    private void assertGivenBackWithTheStep(int sequences) {
        Rig.await(
                "the sequences are cancelled, and then forgotten",
                () -> rig.metrics().cancelled() == sequences && rig.server.samplings() == 0);
        assertThat(rig.metrics().stepsInFlight()).isEqualTo(1);
        assertThat(rig.metrics().heldBlocks() + rig.metrics().withheldBlocks()).isPositive();
        rig.gate.open();
        rig.awaitRest();
    }
}
