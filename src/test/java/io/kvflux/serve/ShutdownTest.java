package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DataSize;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

/** How a server begins and ends. */
class ShutdownTest {

    private static final String LONG = "{\"prompt\": \"Hello\", \"max_tokens\": 1000, \"stream\": %s}";

    @Test
    void endsStreamsWithAnErrorThatSaysSo() throws IOException {
        Rig rig = Rig.start();
        try (SocketClient reader = new SocketClient(rig).post(LONG.formatted(true))) {
            reader.event();
            rig.server.disposeLater().subscribe();
            String event = reader.event();
            while (event.contains("\"choices\"")) {
                event = reader.event();
            }
            assertThat(Rig.json(event).at("/error/code").textValue()).isEqualTo("service_unavailable");
            assertThatThrownBy(reader::event).isInstanceOf(EOFException.class);
            rig.close();
        }
        assertNothingIsLeft(rig);
    }

    @Test
    void answersWhoWaitsForAWholeAnswer() throws IOException {
        Rig rig = Rig.start();
        rig.gate.close();
        try (SocketClient client = new SocketClient(rig).post(LONG.formatted(false))) {
            rig.awaitHeld(1);
            StepVerifier.create(rig.server.disposeLater())
                    .then(rig.gate::open)
                    .expectComplete()
                    .verify(Rig.PATIENCE);
            assertThat(client.line()).isEqualTo("HTTP/1.1 503 Service Unavailable");
        }
        assertNothingIsLeft(rig);
    }

    @Test
    void doesNotWaitForWhoDoesNotRead() throws IOException {
        Rig rig = Rig.start();
        try (SocketClient client = new SocketClient(rig)) {
            client.post(LONG.formatted(true));
            SlowReaderTest.awaitStalled(rig);
            rig.close();
        }
        assertNothingIsLeft(rig);
    }

    private static void assertNothingIsLeft(Rig rig) {
        StepVerifier.create(rig.server.stopped()).expectComplete().verify(Rig.PATIENCE);
        assertThat(rig.metrics().heldBlocks() + rig.metrics().withheldBlocks()).isZero();
        // A sequence's end is told on a thread of its own, which may come after that of the scheduler.
        Rig.await("nothing is remembered of anybody", () -> rig.server.samplings() == 0);
        assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), rig.server.port()).close())
                .isInstanceOf(ConnectException.class);
        rig.close();
    }

    @Test
    void tellsWhoseModelGaveUp() {
        try (Rig rig = Rig.start()) {
            rig.gate.fail(new IllegalStateException("out of ideas"));
            for (int i = 0; i < 8; i++) {
                assertThat(rig.post("{\"prompt\": \"x\"}").statusCode()).isIn(500, 503);
            }
            StepVerifier.create(rig.server.stopped())
                    .expectErrorMessage(
                            "the executor failed as many steps in a row as maxExecutorFailures allows, and the"
                                    + " scheduler has stopped, failures=8, last=java.lang.IllegalStateException: out of ideas")
                    .verify(Rig.PATIENCE);
            assertThat(rig.get("/healthz").statusCode()).isEqualTo(503);
            assertThat(rig.post("{\"prompt\": \"x\"}").statusCode()).isEqualTo(503);
        }
    }

    @Test
    void portThatIsTaken() {
        try (Rig rig = Rig.start()) {
            int port = rig.server.port();
            assertThatThrownBy(() ->
                            CompletionServer.start(ServerOptions.defaults().port(port)))
                    .isInstanceOf(CannotListenException.class)
                    .hasMessage("cannot listen on 127.0.0.1:" + port + ": address already in use");
        }
    }

    @Test
    void hostThatIsNotKnown() {
        assertThatThrownBy(() -> CompletionServer.start(
                        ServerOptions.defaults().host("no-such-host.invalid").port(0)))
                .isInstanceOf(CannotListenException.class)
                .hasMessage("cannot listen on no-such-host.invalid:0: the host name is not known");
    }

    @Test
    void settingsThatContradict() {
        assertThatThrownBy(() -> ServerOptions.defaults().port(65_536))
                .hasMessage("port must be from 0 to 65535, port=65536");
        assertThatThrownBy(() -> CompletionServer.start(
                        ServerOptions.defaults().deviceBlocks(3).deviceMemory(new DataSize(1 << 20))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("deviceBlocks=3");
    }
}
