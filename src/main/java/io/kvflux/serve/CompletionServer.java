package io.kvflux.serve;

import io.kvflux.BlockScheduler;
import io.kvflux.StepExecutor;
import io.netty.channel.ChannelOption;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Locale;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.LoopResources;

/**
 * A server of the OpenAI completions API around a {@link BlockScheduler} and a reference model, whose output means nothing:
 * an example to read and to try clients on. Has threads, blocks and a port of its own until it is disposed.
 */
public final class CompletionServer {

    /** Bytes the kernel is asked to keep for a client that reads slowly: about as little as it grants. */
    private static final int SEND_BUFFER = 4096;
    /** A connection without a request, and one whose request does not come to an end, is closed after this. */
    private static final Duration IDLE = Duration.ofSeconds(60);
    /** What clients get to read the end of their answers when the server stops. */
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private final ReferenceEngine engine;
    private final LoopResources threads = LoopResources.create("kvflux-http", 1, 2, true, false);
    private final Sinks.Empty<Void> stopped = Sinks.empty();
    /** Once, and to its end, whoever asks and whoever cancels. */
    private final Mono<Void> disposal = Mono.defer(this::dispose).cache();

    private volatile boolean serving = true;
    private DisposableServer listener;

    private CompletionServer(ServerOptions options, UnaryOperator<StepExecutor> around) {
        engine = new ReferenceEngine(options, around);
        engine.run().subscribe(nothing -> {}, this::modelGaveUp);
        try {
            listener = bind(options);
        } catch (RuntimeException e) {
            release().subscribe();
            throw cannotListen(options, e);
        }
    }

    /**
     * Starts a server and waits until it listens.
     *
     * @param options its settings
     * @return the server
     * @throws IllegalArgumentException listing every setting that contradicts, with the values
     * @throws CannotListenException if the host is not known or the port is taken; nothing is left behind
     * @throws io.kvflux.memory.OutOfDeviceMemoryException if there is not the memory for the blocks
     */
    public static CompletionServer start(ServerOptions options) {
        return start(options, executor -> executor);
    }

    /** Puts something around the model; for tests. */
    static CompletionServer start(ServerOptions options, UnaryOperator<StepExecutor> around) {
        return new CompletionServer(options, around);
    }

    private DisposableServer bind(ServerOptions options) {
        Routes routes = new Routes(engine, () -> serving);
        return HttpServer.create()
                .host(options.host())
                .port(options.port())
                .runOn(threads, false)
                .channelGroup(new DefaultChannelGroup(GlobalEventExecutor.INSTANCE))
                .childOption(ChannelOption.SO_SNDBUF, SEND_BUFFER)
                .idleTimeout(IDLE)
                .requestTimeout(IDLE)
                .handle(routes::handle)
                .bindNow();
    }

    private static RuntimeException cannotListen(ServerOptions options, RuntimeException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnknownHostException || cause instanceof UnresolvedAddressException) {
                return new CannotListenException(options.host(), options.port(), "the host name is not known", failure);
            }
            if (cause instanceof IOException) {
                String why = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
                return new CannotListenException(options.host(), options.port(), why, failure);
            }
        }
        return failure;
    }

    private void modelGaveUp(Throwable failure) {
        serving = false;
        stopped.tryEmitError(failure);
    }

    /** {@return the port it listens on} */
    public int port() {
        return listener.port();
    }

    /** {@return where clients find it, without a slash at the end} */
    public String url() {
        String host = listener.host();
        return "http://" + (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port();
    }

    /** {@return the scheduler behind it: for its metrics and snapshots} */
    public BlockScheduler scheduler() {
        return engine.scheduler;
    }

    /** Sequences whose sampling is kept; for tests. */
    int samplings() {
        return engine.samplings.size();
    }

    /**
     * Ends when the server does.
     *
     * @return completes after a disposal; fails when so many steps failed in a row that the scheduler stopped
     */
    public Mono<Void> stopped() {
        return stopped.asMono();
    }

    /**
     * At subscription stops: takes no more connections, ends the answers under way with an error that says so, and gives
     * the memory back. Clients get two seconds to read the end of theirs. Cancelling does not bring the server back. May be
     * called again.
     *
     * @return completes when everything is given back
     */
    public Mono<Void> disposeLater() {
        return disposal;
    }

    private Mono<Void> dispose() {
        serving = false;
        return Mono.when(farewell(), engine.scheduler.disposeLater())
                .then(release())
                .doFinally(end -> stopped.tryEmitEmpty());
    }

    /** Blocks, so it gets a thread that may. */
    private Mono<Void> farewell() {
        return Mono.<Void>fromRunnable(() -> listener.disposeNow(FAREWELL))
                .subscribeOn(Schedulers.boundedElastic())
                .onErrorComplete(); // those who do not read are cut off
    }

    private Mono<Void> release() {
        return engine.scheduler.disposeLater().then(threads.disposeLater(Duration.ZERO, FAREWELL));
    }

    @Override
    public String toString() {
        return "CompletionServer[" + url() + "]";
    }
}
