package io.kvflux.memory.cuda;

import io.kvflux.geometry.DataSize;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Builds a {@link CudaDevice}. */
public final class CudaDeviceBuilder {

    private static final double DEFAULT_FRACTION = 0.9;
    private static final DataSize DEFAULT_RESERVE = new DataSize(256L << 20);

    private int[] ordinals = {0};
    private double fraction = DEFAULT_FRACTION;
    private @Nullable DataSize memory;
    private DataSize reserve = DEFAULT_RESERVE;
    private KernelUse kernelUse = KernelUse.MEASURED;
    private boolean virtualMemory = true;
    private boolean batchedCopies = true;

    CudaDeviceBuilder() {}

    /** What a device is made of. */
    record Opened(
            CudaDriver driver, List<Gpu> gpus, List<Issuer> issuers, boolean virtualMemory, long budgetBytesEach) {}

    /**
     * Which GPUs. Defaults to the one with the number 0.
     *
     * @param numbers their numbers among those that the driver shows, from 0; at least one, each once
     * @return this
     */
    public CudaDeviceBuilder devices(int... numbers) {
        ordinals = numbers.clone();
        return this;
    }

    /**
     * How much of what a GPU has free is for arenas. Defaults to 0.9.
     *
     * @param share above 0, at most 1
     * @return this
     */
    public CudaDeviceBuilder memoryFraction(double share) {
        fraction = share;
        memory = null;
        return this;
    }

    /**
     * Memory of each GPU for arenas, in place of a fraction.
     *
     * @param each at least 1 byte; must be free when the device is opened, the reserve on top
     * @return this
     */
    public CudaDeviceBuilder memory(DataSize each) {
        memory = Objects.requireNonNull(each, "memory");
        return this;
    }

    /**
     * Memory of each GPU that is left to others, whatever the fraction. Defaults to 256 MiB.
     *
     * @param each at least 0 bytes
     * @return this
     */
    public CudaDeviceBuilder reserve(DataSize each) {
        reserve = Objects.requireNonNull(each, "reserve");
        return this;
    }

    /**
     * When kernels copy pages. Defaults to {@link KernelUse#MEASURED}.
     *
     * @param use when
     * @return this
     */
    public CudaDeviceBuilder kernels(KernelUse use) {
        kernelUse = Objects.requireNonNull(use, "kernels");
        return this;
    }

    /**
     * Whether arenas are mapped behind addresses that were reserved, where the GPU can. Defaults to true.
     *
     * @param map false for plain allocations
     * @return this
     */
    public CudaDeviceBuilder virtualMemory(boolean map) {
        virtualMemory = map;
        return this;
    }

    /**
     * Whether many copies are given to the driver in one call, where it can and does not refuse when it is tried. Defaults to
     * true.
     *
     * @param batch false for one call a run of pages
     * @return this
     */
    public CudaDeviceBuilder batchedCopies(boolean batch) {
        batchedCopies = batch;
        return this;
    }

    /**
     * Opens the GPUs, all or none.
     *
     * @return the device, until it is closed
     * @throws IllegalArgumentException if a setting is wrong, or a GPU has less free than was asked for
     * @throws CudaUnavailableException if there is no driver, or no such GPU
     * @throws CudaException if the driver refuses; nothing is held then
     */
    public CudaDevice open() {
        requireSettings();
        CudaDriver driver = CudaDriver.load();
        int there = driver.devices();
        for (int ordinal : ordinals) {
            if (ordinal < 0 || ordinal >= there) {
                throw new CudaUnavailableException(
                        "there is no GPU with that number, asked=" + ordinal + ", GPUs=" + there
                                + (there == 0 ? "" : ": the first is 0, the last " + (there - 1))
                                + "; CUDA_VISIBLE_DEVICES chooses what the driver shows",
                        null);
            }
        }
        List<Gpu> gpus = new ArrayList<>();
        List<Issuer> issuers = new ArrayList<>();
        try {
            long budget = Long.MAX_VALUE;
            for (int ordinal : ordinals) {
                Gpu gpu = Gpu.open(driver, ordinal);
                gpus.add(gpu);
                budget = Math.min(budget, budgetBytes(gpu.properties()));
            }
            boolean maps = virtualMemory
                    && gpus.stream().allMatch(gpu -> gpu.properties().virtualMemory());
            enablePeers(gpus);
            for (Gpu gpu : gpus) {
                issuers.add(issuer(driver, gpu));
            }
            return new CudaDevice(new Opened(driver, List.copyOf(gpus), List.copyOf(issuers), maps, budget));
        } catch (RuntimeException | Error refused) {
            closeAll(gpus, issuers);
            throw refused;
        }
    }

    private void requireSettings() {
        if (ordinals.length == 0 || Arrays.stream(ordinals).distinct().count() < ordinals.length) {
            throw new IllegalArgumentException(
                    "devices must name at least one GPU, and each once, devices=" + Arrays.toString(ordinals));
        }
        if (!(fraction > 0 && fraction <= 1)) {
            throw new IllegalArgumentException("memoryFraction must be in (0, 1], memoryFraction=" + fraction);
        }
    }

    private long budgetBytes(CudaProperties gpu) {
        long most = gpu.freeBytes() - reserve.bytes();
        if (memory == null) {
            return Math.max(0, Math.min(most, (long) (gpu.freeBytes() * fraction)));
        }
        if (memory.bytes() > most) {
            throw new IllegalArgumentException(gpu.name() + " has less free memory than was asked for, memory=" + memory
                    + ", reserve=" + reserve + ", freeBytes=" + gpu.freeBytes() + ", totalBytes=" + gpu.totalBytes()
                    + ": ask for less, or end what uses it");
        }
        return memory.bytes();
    }

    private static void enablePeers(List<Gpu> gpus) {
        for (Gpu gpu : gpus) {
            gpu.enter();
            try {
                gpus.stream().filter(other -> other != gpu).forEach(gpu::reach);
            } finally {
                gpu.leave();
            }
        }
    }

    private Issuer issuer(CudaDriver driver, Gpu gpu) {
        gpu.enter();
        try {
            return Issuer.open(gpu, batchedCopies ? driver.batches() : CudaDriver.Batches.NONE, kernelUse);
        } finally {
            gpu.leave();
        }
    }

    static void closeAll(List<Gpu> gpus, List<Issuer> issuers) {
        issuers.forEach(Issuer::close);
        gpus.forEach(Gpu::close);
    }
}
