package io.kvflux.serve;

import io.kvflux.geometry.DataSize;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a {@link CompletionServer}. Immutable; every method that changes something returns a changed copy. What
 * contradicts is told when the server starts.
 */
public final class ServerOptions {

    /** Default of {@link #host}: this machine alone. */
    public static final String DEFAULT_HOST = "127.0.0.1";

    /** Default of {@link #port}. */
    public static final int DEFAULT_PORT = 8080;

    /** Default of {@link #deviceMemory}. */
    public static final DataSize DEFAULT_DEVICE_MEMORY = DataSize.parse("16MiB");

    /** Default of {@link #pageSize}. */
    public static final int DEFAULT_PAGE_SIZE = 16;

    /** Default of {@link #maxBatchSize}. */
    public static final int DEFAULT_MAX_BATCH_SIZE = 64;

    /** Default of {@link #maxPending}. */
    public static final int DEFAULT_MAX_PENDING = 1024;

    private static final ServerOptions DEFAULTS = new ServerOptions();

    private String host = DEFAULT_HOST;
    private int port = DEFAULT_PORT;
    private @Nullable DataSize deviceMemory;
    private @Nullable Integer deviceBlocks;
    private int pageSize = DEFAULT_PAGE_SIZE;
    private int maxBatchSize = DEFAULT_MAX_BATCH_SIZE;
    private int maxPending = DEFAULT_MAX_PENDING;
    private long seed;
    private boolean poisonOnRelease;

    private ServerOptions() {}

    private ServerOptions copy() {
        ServerOptions copy = new ServerOptions();
        copy.host = host;
        copy.port = port;
        copy.deviceMemory = deviceMemory;
        copy.deviceBlocks = deviceBlocks;
        copy.pageSize = pageSize;
        copy.maxBatchSize = maxBatchSize;
        copy.maxPending = maxPending;
        copy.seed = seed;
        copy.poisonOnRelease = poisonOnRelease;
        return copy;
    }

    /** {@return every setting at its default} */
    public static ServerOptions defaults() {
        return DEFAULTS;
    }

    /**
     * Where to listen. Defaults to 127.0.0.1, which only this machine reaches.
     *
     * @param name a name or an address of this machine; 0.0.0.0 is every one
     * @return the changed copy
     */
    public ServerOptions host(String name) {
        ServerOptions copy = copy();
        copy.host = Objects.requireNonNull(name, "host");
        return copy;
    }

    /**
     * The port to listen on. Defaults to 8080.
     *
     * @param number 0 to 65535; 0 takes any that is free
     * @return the changed copy
     * @throws IllegalArgumentException if it is no port
     */
    public ServerOptions port(int number) {
        if (number < 0 || number > 65_535) {
            throw new IllegalArgumentException("port must be from 0 to 65535, port=" + number);
        }
        ServerOptions copy = copy();
        copy.port = number;
        return copy;
    }

    /**
     * Memory for the blocks of both caches. Defaults to 16 MiB.
     *
     * @param size enough for two blocks
     * @return the changed copy
     */
    public ServerOptions deviceMemory(DataSize size) {
        ServerOptions copy = copy();
        copy.deviceMemory = Objects.requireNonNull(size, "deviceMemory");
        return copy;
    }

    /**
     * Usable blocks, in place of deviceMemory. Defaults to as many as fit.
     *
     * @param blocks at least 1
     * @return the changed copy
     */
    public ServerOptions deviceBlocks(int blocks) {
        ServerOptions copy = copy();
        copy.deviceBlocks = blocks;
        return copy;
    }

    /**
     * Tokens in a page. Defaults to 16.
     *
     * @param tokens at least 1
     * @return the changed copy
     */
    public ServerOptions pageSize(int tokens) {
        ServerOptions copy = copy();
        copy.pageSize = tokens;
        return copy;
    }

    /**
     * Most sequences in a step. Defaults to 64.
     *
     * @param sequences at least 1
     * @return the changed copy
     */
    public ServerOptions maxBatchSize(int sequences) {
        ServerOptions copy = copy();
        copy.maxBatchSize = sequences;
        return copy;
    }

    /**
     * Sequences that may wait for their first admission; more are answered with 429. Defaults to 1024.
     *
     * @param sequences at least 1
     * @return the changed copy
     */
    public ServerOptions maxPending(int sequences) {
        ServerOptions copy = copy();
        copy.maxPending = sequences;
        return copy;
    }

    /**
     * Seed of the models' weights. Defaults to 0.
     *
     * @param value the same gives the same model on every machine
     * @return the changed copy
     */
    public ServerOptions seed(long value) {
        ServerOptions copy = copy();
        copy.seed = value;
        return copy;
    }

    /**
     * Whether blocks are poisoned when they are emptied: see
     * {@link io.kvflux.BlockSchedulerBuilder#poisonOnRelease}. Defaults to false.
     *
     * @param poison true to poison, in tests
     * @return the changed copy
     */
    public ServerOptions poisonOnRelease(boolean poison) {
        ServerOptions copy = copy();
        copy.poisonOnRelease = poison;
        return copy;
    }

    String host() {
        return host;
    }

    int port() {
        return port;
    }

    @Nullable
    DataSize deviceMemory() {
        return deviceMemory;
    }

    @Nullable
    Integer deviceBlocks() {
        return deviceBlocks;
    }

    int pageSize() {
        return pageSize;
    }

    int maxBatchSize() {
        return maxBatchSize;
    }

    int maxPending() {
        return maxPending;
    }

    long seed() {
        return seed;
    }

    boolean poisonOnRelease() {
        return poisonOnRelease;
    }
}
