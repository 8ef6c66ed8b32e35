package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.UnaryOperator;
import reactor.core.scheduler.Schedulers;

/** A {@link Rig} with a host tier, on whose device every copy ends as the test says. */
final class HostRig implements AutoCloseable {

    static final int BLOCKS = 8;
    static final int SLOTS = 32;

    private final HostMemoryDevice memory = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
    /** What becomes of copies between device and host. */
    Fault transfers = Fault.NONE;
    /** What becomes of all other batches. */
    Fault fills = Fault.NONE;

    final FaultyDeviceMemory device =
            new FaultyDeviceMemory(memory, (number, batch) -> batch.transferredBlocks() > 0 ? transfers : fills);
    final Rig rig;
    final BlockScheduler scheduler;

    HostRig() {
        this(UnaryOperator.identity());
    }

    HostRig(UnaryOperator<BlockSchedulerBuilder> settings) {
        // The clock stands still, so that nothing is measured and every copy pays.
        rig = new Rig(
                BLOCKS,
                builder -> settings.apply(builder.device(device)
                        .hostSwapBlocks(SLOTS)
                        .copyOn(Schedulers.immediate())
                        .clock(() -> 0)));
        scheduler = rig.scheduler;
    }

    Client submit(SequenceSpec spec) {
        return Client.of(scheduler.generate(spec)).asks(Long.MAX_VALUE);
    }

    /** Of the newest step, page i of its first sequence becomes {@code first + i}, as if it had been computed. */
    void write(int first) {
        Step step = rig.steps.getLast();
        for (int i = 0; i < step.blockCount(0); i++) {
            byte[] page = new byte[(int) arena().spec().pageBytes()];
            Arrays.fill(page, (byte) (first + i));
            arena().write(step.block(0, i), 0, page);
        }
    }

    /** Runs a prompt to its end, its pages {@code first}, {@code first + 1} and so on. */
    void run(SequenceSpec spec, int first) {
        submit(spec);
        write(first);
        rig.stepAll();
    }

    /** Has all that is cached leave the device, which is free then. */
    void evictAll() {
        Client filler = submit(Rig.prompt(BLOCKS * Rig.PAGE - 1, 500_000));
        filler.cancel();
        rig.stepAll();
        assertThat(scheduler.metrics().cachedBlocks()).isZero();
    }

    /** What the first pages of a step's entry hold, a byte each, or -1 where a page holds several. */
    int[] pages(Step step, int entry, int count) {
        int[] values = new int[count];
        byte[] page = new byte[(int) arena().spec().pageBytes()];
        for (int i = 0; i < count; i++) {
            arena().read(step.block(entry, i), 0, page);
            values[i] = page[0];
            for (byte one : page) {
                values[i] = one == page[0] ? values[i] : -1;
            }
        }
        return values;
    }

    Step newest() {
        return Objects.requireNonNull(rig.steps.peekLast(), "a step");
    }

    private PageArena arena() {
        return scheduler.memory().arena(0, 0, 0);
    }

    @Override
    public void close() {
        transfers = Fault.NONE;
        fills = Fault.NONE;
        scheduler.disposeLater().subscribe();
        while (device.delayed() > 0) {
            device.releaseNext();
        }
        rig.stepAll();
        memory.close();
    }
}
