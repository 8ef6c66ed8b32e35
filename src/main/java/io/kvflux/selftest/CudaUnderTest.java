package io.kvflux.selftest;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.cuda.CudaDevice;
import io.kvflux.memory.cuda.CudaProbe;
import io.kvflux.memory.cuda.KernelUse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** GPUs under test. */
record CudaUnderTest(List<Integer> ordinals, boolean kernels) implements TestDevice {

    @Override
    public String name() {
        CudaProbe probe = CudaProbe.load();
        return ordinals.stream()
                .map(ordinal -> probe.properties(ordinal).name())
                .collect(Collectors.joining(" and "));
    }

    @Override
    public DeviceMemory open(DataSize budget) {
        return new Awaited(CudaDevice.builder()
                .devices(ordinals.stream().mapToInt(Integer::intValue).toArray())
                .memoryFraction(1)
                .reserve(new DataSize(0))
                .kernels(kernels ? KernelUse.ALWAYS : KernelUse.OFF)
                .open());
    }

    @Override
    public AttentionPlace attention(DeviceMemory memory) {
        return kernels ? AttentionPlace.device(((Awaited) memory).device()) : AttentionPlace.processorByCopies();
    }

    /** A device whose batches are over when submit returns. */
    private record Awaited(CudaDevice device) implements DeviceMemory {

        @Override
        public String name() {
            return device.name();
        }

        @Override
        public long budgetBytes() {
            return device.budgetBytes();
        }

        @Override
        public long allocatedBytes() {
            return device.allocatedBytes();
        }

        @Override
        public PageArena allocate(ArenaSpec spec) {
            return device.allocate(spec);
        }

        @Override
        public void release(PageArena arena) {
            device.release(arena);
        }

        @Override
        public void attach(SlotArena slots) {
            device.attach(slots);
        }

        @Override
        public void detach(SlotArena slots) {
            device.detach(slots);
        }

        @Override
        public @Nullable Throwable loss(PageArena arena) {
            return device.loss(arena);
        }

        @Override
        public void submit(CopyBatch batch, CopyListener listener) {
            CompletableFuture<@Nullable Throwable> end = new CompletableFuture<>();
            device.submit(batch, (same, failure) -> end.complete(failure));
            listener.ended(batch, end.join());
        }

        @Override
        public void close() {
            device.close();
        }
    }
}
