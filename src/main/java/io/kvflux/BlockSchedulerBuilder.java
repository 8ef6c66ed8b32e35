package io.kvflux;

import io.kvflux.api.SchedulerRecorder;
import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.host.HostMemoryDevice;
import io.kvflux.tier.HashIndex;
import io.kvflux.tier.HostPolicy;
import io.kvflux.tier.connector.Connector;
import io.kvflux.tier.connector.NullConnector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Collects the settings of a {@link BlockScheduler}. Setters take what they are given; {@link #build} checks everything
 * together and throws once. Not thread-safe; may build several schedulers.
 */
public final class BlockSchedulerBuilder {

    /** Default of {@link #tokenBuffer}. */
    public static final int DEFAULT_TOKEN_BUFFER = 8;

    /** Default of {@link #maxPending}. */
    public static final int DEFAULT_MAX_PENDING = 1024;

    /** Default of {@link #maxExecutorFailures}. */
    public static final int DEFAULT_MAX_EXECUTOR_FAILURES = 8;

    /** Default of {@link #deliveryLanes}. */
    public static final int DEFAULT_DELIVERY_LANES = 4;

    /** Default of {@link #blockEventBuffer}. */
    public static final int DEFAULT_BLOCK_EVENT_BUFFER = 4096;

    /** Default of {@link #deviceMemory}. */
    public static final DataSize DEFAULT_DEVICE_MEMORY = DataSize.ofGiB(1);

    private static final byte POISON = (byte) 0xFF;

    private final MultiKvCacheParams caches;
    private final ConnectorSettings connectors;
    private @Nullable DeviceMemory device;
    private @Nullable DataSize deviceMemory;
    private @Nullable Integer deviceBlocks;
    private boolean externalMemory;
    private boolean zeroOnRelease;
    private boolean poisonOnRelease;
    private Consumer<SchedulerConfig.Builder> scheduling = builder -> {};
    private int tokenBuffer = DEFAULT_TOKEN_BUFFER;
    private int maxPending = DEFAULT_MAX_PENDING;
    private WhenFull whenFull = WhenFull.REJECT;
    private int maxExecutorFailures = DEFAULT_MAX_EXECUTOR_FAILURES;
    private @Nullable Integer vocabularySize;
    private @Nullable Scheduler loopOn;
    private @Nullable Scheduler deliverOn;
    private int deliveryLanes = DEFAULT_DELIVERY_LANES;
    private int blockEventBuffer = DEFAULT_BLOCK_EVENT_BUFFER;
    private @Nullable SchedulerRecorder recorder;
    private LongSupplier clock = System::nanoTime;

    BlockSchedulerBuilder(MultiKvCacheParams caches) {
        this.caches = Objects.requireNonNull(caches, "caches");
        connectors = new ConnectorSettings(caches);
    }

    /**
     * Most sequences in a step, per replica. Defaults to 256.
     *
     * @param sequences at least 1
     * @return this
     */
    public BlockSchedulerBuilder maxBatchSize(int sequences) {
        return scheduling(builder -> builder.maxBatchSize(sequences));
    }

    /**
     * Most tokens computed in a step, per replica. Defaults to 8192.
     *
     * @param tokens at least maxBatchSize
     * @return this
     */
    public BlockSchedulerBuilder maxBatchTokens(int tokens) {
        return scheduling(builder -> builder.maxBatchTokens(tokens));
    }

    /**
     * Steps that may be handed out before the first result is back: 1 is lock step, 2 overlaps planning with computing.
     * Defaults to 1.
     *
     * @param steps in [1, 64]
     * @return this
     */
    public BlockSchedulerBuilder maxStepsInFlight(int steps) {
        return scheduling(builder -> builder.maxStepsInFlight(steps));
    }

    /**
     * Order of admission. Defaults to {@link QueuePolicy#FIFO}.
     *
     * @param order the policy
     * @return this
     */
    public BlockSchedulerBuilder policy(QueuePolicy order) {
        return scheduling(builder -> builder.policy(order));
    }

    /**
     * Every other setting of the scheduling core, such as watermark, victim rule or eviction. Called in {@link #build},
     * after what was set before and before what is set after. Defaults to the defaults of {@link SchedulerConfig.Builder}.
     *
     * @param settings changes the core's builder
     * @return this
     */
    public BlockSchedulerBuilder scheduling(Consumer<SchedulerConfig.Builder> settings) {
        scheduling = scheduling.andThen(settings);
        return this;
    }

    /**
     * Tokens that a sequence may generate ahead of its client's demand. They wait for the client; with 0 nothing is
     * computed that was not asked for, and a client that asks for one token after another waits a whole step for each.
     * Defaults to 8.
     *
     * @param tokens at least 0, per sequence
     * @return this
     */
    public BlockSchedulerBuilder tokenBuffer(int tokens) {
        tokenBuffer = tokens;
        return this;
    }

    /**
     * Sequences that may wait for their first admission. Defaults to 1024.
     *
     * @param sequences at least 1
     * @return this
     */
    public BlockSchedulerBuilder maxPending(int sequences) {
        maxPending = sequences;
        return this;
    }

    /**
     * What happens to a sequence that comes when maxPending wait. Defaults to {@link WhenFull#REJECT}. Sequences of
     * {@link BlockScheduler#arrivals} are not rejected: their source is not asked for more than can wait.
     *
     * @param choice reject or delay
     * @return this
     */
    public BlockSchedulerBuilder whenFull(WhenFull choice) {
        whenFull = Objects.requireNonNull(choice, "whenFull");
        return this;
    }

    /**
     * Steps that may fail one after another before the scheduler stops for good. Defaults to 8.
     *
     * @param steps at least 1
     * @return this
     */
    public BlockSchedulerBuilder maxExecutorFailures(int steps) {
        maxExecutorFailures = steps;
        return this;
    }

    /**
     * Token ids the model knows; prompts and results with others are refused. Defaults to unknown: every id is accepted.
     *
     * @param tokens at least 1
     * @return this
     */
    public BlockSchedulerBuilder vocabularySize(int tokens) {
        vocabularySize = tokens;
        return this;
    }

    /**
     * Where a drain of the loop goes on that has become long for the thread that began it, and where back-off and patience
     * are timed; one that cannot time leaves that to {@link Schedulers#parallel()}. Nothing on it blocks. Defaults to
     * {@link Schedulers#parallel()}.
     *
     * @param scheduler any
     * @return this
     */
    public BlockSchedulerBuilder loopOn(Scheduler scheduler) {
        loopOn = Objects.requireNonNull(scheduler, "loopOn");
        return this;
    }

    /**
     * Where subscribers and the executor are called. With {@link Schedulers#immediate()} they are called on whichever thread
     * called the scheduler, which is quickest, and what they do there is then that thread's affair. Defaults to
     * {@link Schedulers#boundedElastic()}, whose threads may block and which the application shares: one that fills it holds
     * up steps and tokens, and gives the scheduler threads of its own here.
     *
     * @param scheduler any
     * @return this
     */
    public BlockSchedulerBuilder deliverOn(Scheduler scheduler) {
        deliverOn = Objects.requireNonNull(scheduler, "deliverOn");
        return this;
    }

    /**
     * Subscribers that may be called at the same time. That many clients who block hold up the others' tokens, and nothing
     * else: steps go on as far as demand and buffers allow. Defaults to 4.
     *
     * @param lanes at least 1
     * @return this
     */
    public BlockSchedulerBuilder deliveryLanes(int lanes) {
        deliveryLanes = lanes;
        return this;
    }

    /**
     * Is told what happens as it happens. Defaults to nobody; then no time is read either.
     *
     * @param listener quick, not blocking, not calling the scheduler
     * @return this
     */
    public BlockSchedulerBuilder recorder(SchedulerRecorder listener) {
        recorder = Objects.requireNonNull(listener, "recorder");
        return this;
    }

    /**
     * Block events kept for a subscriber that does not ask for them; what comes on top is lost to it, and it is told so.
     * Defaults to 4096.
     *
     * @param events at least 8, rounded up to a power of two
     * @return this
     */
    public BlockSchedulerBuilder blockEventBuffer(int events) {
        blockEventBuffer = events;
        return this;
    }

    /**
     * What time it is, for the recorder and for comparing copies with computing. Defaults to {@link System#nanoTime}.
     *
     * @param nanoTime time in nanoseconds from any origin; called from any thread
     * @return this
     */
    public BlockSchedulerBuilder clock(LongSupplier nanoTime) {
        clock = Objects.requireNonNull(nanoTime, "clock");
        return this;
    }

    /**
     * Where the blocks' bytes are. Defaults to host memory of the scheduler's own. A device given here may serve others
     * too; it is not closed with the scheduler.
     *
     * @param memory an open device
     * @return this
     */
    public BlockSchedulerBuilder device(DeviceMemory memory) {
        device = Objects.requireNonNull(memory, "device");
        return this;
    }

    /**
     * Bytes for the blocks of all replicas. Defaults to 1 GiB of host memory, or to what a device given has left.
     *
     * @param size enough for two blocks a replica: one is the null block
     * @return this
     */
    public BlockSchedulerBuilder deviceMemory(DataSize size) {
        deviceMemory = Objects.requireNonNull(size, "deviceMemory");
        return this;
    }

    /**
     * Usable blocks of each replica, in place of deviceMemory. Defaults to as many as fit.
     *
     * @param blocks at least 1
     * @return this
     */
    public BlockSchedulerBuilder deviceBlocks(int blocks) {
        deviceBlocks = blocks;
        return this;
    }

    /**
     * Host memory for blocks that leave the devices, of all replicas together. Defaults to hostKvCacheSwapSpaceGb of the
     * caches a replica, if their kvConnector is LOCAL or TIERED, and else to none: what leaves is lost.
     *
     * @param size enough for one block; taken from the operating system as it is used
     * @return this
     */
    public BlockSchedulerBuilder hostSwap(DataSize size) {
        connectors.hostSwap(size);
        return this;
    }

    /**
     * The same as a number of blocks, in place of hostSwap.
     *
     * @param blocks at least 1
     * @return this
     */
    public BlockSchedulerBuilder hostSwapBlocks(int blocks) {
        connectors.hostSwapBlocks(blocks);
        return this;
    }

    /**
     * When the memory of hostSwap is taken from the operating system: as it is used, or at once in the background, so that no
     * copy has to wait for that. Defaults to {@link HostSlots.Touch#LAZY}.
     *
     * @param when lazily or in the background
     * @return this
     */
    public BlockSchedulerBuilder hostTouch(HostSlots.Touch when) {
        connectors.touch = Objects.requireNonNull(when, "hostTouch");
        return this;
    }

    /**
     * Keeps what comes to the host in files as well, for this scheduler and for those after it. One scheduler at a time has a
     * directory. Pages are named by their tokens, salt, adapter, media and the caches' hash seed; the weights are not part of
     * that, so models with equal caches need directories, or seeds, of their own. Defaults to diskOffloadDir and
     * diskOffloadMaxGb of the caches, if their kvConnector is TIERED, and else to none.
     *
     * @param directory made if it is not there; nothing in it that is not the scheduler's is touched
     * @param size most bytes of the files; needs hostSwap
     * @return this
     */
    public BlockSchedulerBuilder disk(Path directory, DataSize size) {
        connectors.disk(directory, size);
        return this;
    }

    /**
     * A connector of one's own, in place of hostSwap and disk: to a store that machines share, which kvConnector DKV needs.
     * Defaults to what hostSwap and disk say and, where they are not set, kvConnector of the caches: nothing, host memory, or
     * host memory and a disk.
     *
     * @param factory opens it when the memory of the blocks has been allocated; closed with the scheduler
     * @return this
     */
    public BlockSchedulerBuilder connector(Connector.Factory factory) {
        connectors.factory = Objects.requireNonNull(factory, "connector");
        return this;
    }

    /**
     * Where copies between devices and host run, which a device may do on the thread that asks. Defaults to threads of the
     * scheduler's own, one a direction and one for the disk.
     *
     * @param scheduler any; is not disposed with the scheduler
     * @return this
     */
    public BlockSchedulerBuilder copyOn(Scheduler scheduler) {
        connectors.copyOn = Objects.requireNonNull(scheduler, "copyOn");
        return this;
    }

    /**
     * When blocks go to the host and whether they stay there. Defaults to {@link HostPolicy#INCLUSIVE}.
     *
     * @param when the policy
     * @return this
     */
    public BlockSchedulerBuilder hostPolicy(HostPolicy when) {
        return scheduling(builder -> builder.hostPolicy(when));
    }

    /**
     * Who drafts how much, where the caches have draft tokens. Defaults to {@link DraftPolicy#adaptive}, which learns what
     * steps take and how often drafts are accepted. No sequence gets more than numDraftTokens in a round.
     *
     * @param factory makes one policy per replica, such as {@code () -> DraftPolicy.fixed(3)} or {@code DraftPolicy::off}; one
     *     that is not off needs caches with draft tokens
     * @return this
     */
    public BlockSchedulerBuilder draftPolicy(Supplier<DraftPolicy> factory) {
        return scheduling(builder -> builder.draftPolicy(factory));
    }

    /**
     * Draft tokens that may be in flight, granted and neither verified nor aborted, over all replicas. Defaults to what all
     * that runs can ever use.
     *
     * @param tokens at least 0; with 0 nobody drafts
     * @return this
     */
    public BlockSchedulerBuilder maxInFlightDraftTokens(int tokens) {
        return scheduling(builder -> builder.maxInFlightDraftTokens(tokens));
    }

    /**
     * How the KV of a preempted sequence comes back. Defaults to {@link PreemptionMode#AUTO}.
     *
     * @param mode the mode
     * @return this
     */
    public BlockSchedulerBuilder preemption(PreemptionMode mode) {
        return scheduling(builder -> builder.preemption(mode));
    }

    /**
     * The blocks' bytes are somebody else's: the scheduler allocates no memory, and the executor carries out the block
     * copies of a step itself before it computes. Needs deviceBlocks.
     *
     * @return this
     */
    public BlockSchedulerBuilder externalMemory() {
        externalMemory = true;
        return this;
    }

    /**
     * Whether a block is zeroed after its content has gone and before another sequence gets it. Defaults to false.
     *
     * @param zero true to zero, for tenants that want it
     * @return this
     */
    public BlockSchedulerBuilder zeroOnRelease(boolean zero) {
        zeroOnRelease = zero;
        return this;
    }

    /**
     * Whether every byte of a block is 0xFF, a NaN in FLOAT32, FLOAT16, BFLOAT16 and FLOAT8_E4M3FN, before the first
     * sequence gets it and again after its content has gone: for finding a model that reads what is not its own. Defaults
     * to false.
     *
     * @param poison true to poison, in tests of an executor; costs what zeroOnRelease costs
     * @return this
     */
    public BlockSchedulerBuilder poisonOnRelease(boolean poison) {
        poisonOnRelease = poison;
        return this;
    }

    /**
     * Checks everything and builds.
     *
     * @return a scheduler that waits for sequences and for somebody to compute its steps
     * @throws IllegalArgumentException listing everything that contradicts, with the values
     * @throws io.kvflux.tier.disk.DiskException if the directory of the disk cannot be used, saying why
     * @throws io.kvflux.memory.OutOfDeviceMemoryException if the device has not got the memory for deviceBlocks
     */
    public BlockScheduler build() {
        List<String> faults = new ArrayList<>();
        checkShell(faults);
        checkMemory(faults);
        connectors.check(faults, externalMemory);
        int blocks = deviceBlocks == null ? blocksThatFit() : deviceBlocks;
        if (deviceBlocks == null && blocks == 0) {
            faults.add("deviceMemory must hold the null block and one more of each replica, deviceMemory="
                    + availableBytes() + ", bytesPerBlock=" + BlockArenas.bytesPerBlock(caches) + " over all replicas"
                    + (device == null ? "" : ", device=" + device));
        }
        SchedulerConfig.Builder core =
                SchedulerConfig.builder(caches, deviceBlocks == null ? Math.max(1, blocks) : blocks);
        scheduling.accept(core);
        // Last: filling and copying depend on them.
        core.reportEmptied(zeroOnRelease || poisonOnRelease).hostBlocks(connectors.hostBlocks());
        faults.addAll(core.contradictions());
        if (!faults.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", faults));
        }
        StepMemory memory = externalMemory ? null : allocate(blocks);
        Connector connector = null;
        try {
            connector = memory == null ? new NullConnector() : connectors.open(memory.arenas(), clock);
            HostSwap swap = swap(connector, core);
            return new BlockScheduler(new Shell(settings(core.build()), memory, swap));
        } catch (RuntimeException | Error failed) {
            if (connector != null) {
                closeAfter(failed, connector);
            }
            if (memory != null) {
                memory.close();
            }
            throw failed;
        }
    }

    /** What is to be told is why it is closed, and not that it could not be. */
    static void closeAfter(Throwable failure, Connector connector) {
        try {
            connector.close();
        } catch (RuntimeException | Error another) {
            failure.addSuppressed(another);
        }
    }

    /** Tells the core what there is below the devices, and what an earlier run has left there. */
    private static @Nullable HostSwap swap(Connector connector, SchedulerConfig.Builder core) {
        SlotArena host = connector.hostMemory();
        core.hostBlocks(host == null ? 0 : host.slots());
        if (host == null) {
            connector.close();
            return null;
        }
        HostSwap swap = new HostSwap(connector);
        if (connector.storeSlots() > 0) {
            HashIndex index = new HashIndex(connector.storeSlots());
            connector.forEachStored((slot, name) -> {
                if (slot < 0 || slot >= index.slots()) {
                    throw new IllegalArgumentException("a connector lists slots that its store has, connector="
                            + connector.type() + ", slot=" + slot + ", storeSlots=" + index.slots());
                }
                int older = index.restore(slot, name);
                if (older != HashIndex.NONE) {
                    swap.erase(older);
                }
            });
            core.disk(index);
        }
        return swap;
    }

    private void checkShell(List<String> faults) {
        require(faults, tokenBuffer >= 0, "must not be negative", "tokenBuffer", tokenBuffer);
        require(faults, maxPending >= 1, "must be positive", "maxPending", maxPending);
        require(faults, maxExecutorFailures >= 1, "must be positive", "maxExecutorFailures", maxExecutorFailures);
        require(faults, deliveryLanes >= 1, "must be positive", "deliveryLanes", deliveryLanes);
        require(faults, blockEventBuffer >= 8, "must be at least 8", "blockEventBuffer", blockEventBuffer);
        require(
                faults,
                vocabularySize == null || vocabularySize >= 1,
                "must be positive",
                "vocabularySize",
                String.valueOf(vocabularySize));
    }

    private void checkMemory(List<String> faults) {
        if (deviceBlocks != null && deviceMemory != null) {
            faults.add(
                    "deviceBlocks and deviceMemory both say how many blocks there are: set one of them, deviceBlocks="
                            + deviceBlocks + ", deviceMemory=" + deviceMemory);
        }
        if (externalMemory && deviceBlocks == null) {
            faults.add("externalMemory needs deviceBlocks: the scheduler cannot see how many there are");
        }
        if (externalMemory && (device != null || deviceMemory != null || zeroOnRelease || poisonOnRelease)) {
            faults.add("externalMemory excludes device, deviceMemory, zeroOnRelease and poisonOnRelease, device="
                    + device + ", deviceMemory=" + deviceMemory + ", zeroOnRelease=" + zeroOnRelease
                    + ", poisonOnRelease=" + poisonOnRelease);
        }
        if (zeroOnRelease && poisonOnRelease) {
            faults.add("zeroOnRelease and poisonOnRelease both say what emptied blocks hold: set one of them");
        }
    }

    private int blocksThatFit() {
        return BlockArenas.blocksThatFit(caches, availableBytes());
    }

    private long availableBytes() {
        if (device == null) {
            return (deviceMemory == null ? DEFAULT_DEVICE_MEMORY : deviceMemory).bytes();
        }
        long left = device.budgetBytes() - device.allocatedBytes();
        return deviceMemory == null ? left : Math.min(left, deviceMemory.bytes());
    }

    private StepMemory allocate(int blocks) {
        if (device != null) {
            return stepMemory(BlockArenas.allocate(device, caches, blocks), false);
        }
        long bytes = Math.multiplyExact(BlockArenas.bytesPerBlock(caches), blocks + 1L);
        DeviceMemory host = HostMemoryDevice.withBudget(new DataSize(bytes));
        return stepMemory(BlockArenas.allocate(host, caches, blocks), true);
    }

    private StepMemory stepMemory(BlockArenas arenas, boolean ownsDevice) {
        return poisonOnRelease
                ? new StepMemory(arenas, ownsDevice, POISON, caches.dataParallelDegree())
                : new StepMemory(arenas, ownsDevice, (byte) 0, 0);
    }

    private Settings settings(SchedulerConfig config) {
        return new Settings(
                config,
                tokenBuffer,
                maxPending,
                whenFull,
                maxExecutorFailures,
                vocabularySize == null ? Settings.ANY_VOCABULARY : vocabularySize,
                loopOn == null ? Schedulers.parallel() : loopOn,
                deliverOn == null ? Schedulers.boundedElastic() : deliverOn,
                deliveryLanes,
                blockEventBuffer,
                recorder,
                clock);
    }

    private static void require(List<String> faults, boolean holds, String rule, String name, Object value) {
        if (!holds) {
            faults.add(name + " " + rule + ", " + name + "=" + value);
        }
    }
}
