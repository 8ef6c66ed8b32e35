package io.kvflux.serve;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A client that reads only when told to, into a small buffer, and leaves as it likes. */
final class SocketClient implements AutoCloseable {

    /** How a client leaves. */
    enum Leaving {
        /** It says that nothing more will come from it. */
        FIN,
        /** It is gone. */
        RST
    }

    private final Socket socket = new Socket();
    private final BufferedReader in;

    SocketClient(Rig rig) throws IOException {
        socket.setReceiveBufferSize(2048);
        socket.setSoTimeout((int) Rig.PATIENCE.toMillis());
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), rig.server.port()));
        in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8), 64);
    }

    SocketClient post(String body) throws IOException {
        return send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length() + "\r\n\r\n"
                + body);
    }

    /** Bytes as they are. */
    SocketClient send(String request) throws IOException {
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        return this;
    }

    /** The next line, whatever it is. */
    String line() throws IOException {
        String line = in.readLine();
        if (line == null) {
            throw new EOFException("the connection is closed");
        }
        return line;
    }

    /** All lines until the connection ends. */
    List<String> lines() {
        return in.lines().toList();
    }

    /** The data of the next event. */
    String event() throws IOException {
        String line = line();
        while (!line.startsWith("data: ")) {
            line = line();
        }
        return line.substring("data: ".length());
    }

    /** The text of all events that are left, up to the end of the stream. */
    String rest() throws IOException {
        StringBuilder text = new StringBuilder();
        for (String event = event(); !event.equals("[DONE]"); event = event()) {
            text.append(Rig.json(event).at("/choices/0/text").textValue());
        }
        return text.toString();
    }

    /** Reads whatever comes, on a thread of its own, until the connection ends. */
    void readOn() {
        Thread reader = new Thread(
                () -> {
                    try {
                        in.transferTo(Writer.nullWriter());
                    } catch (IOException left) {
                        // As it was told to.
                    }
                },
                "reader");
        reader.setDaemon(true);
        reader.start();
    }

    void leave(Leaving how) throws IOException {
        if (how == Leaving.FIN) {
            socket.shutdownOutput();
        } else {
            socket.setSoLinger(true, 0);
            socket.close();
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
