package io.kvflux.memory.cuda;

/**
 * Looks at the driver and at its GPUs, one after the other, so that one that does not answer hides no other. Holds nothing
 * between calls.
 */
public final class CudaProbe {

    private final CudaDriver driver;

    private CudaProbe(CudaDriver driver) {
        this.driver = driver;
    }

    /**
     * Loads the driver of this process, unless that was done.
     *
     * @return what it is
     * @throws CudaUnavailableException if there is none, or it is not one that can be used
     */
    public static CudaProbe load() {
        return new CudaProbe(CudaDriver.load());
    }

    /** {@return the file of the driver's library, or its name} */
    public String library() {
        return driver.library();
    }

    /** {@return the version of CUDA that the driver is made for, such as 12.8} */
    public String version() {
        return driver.versionText();
    }

    /** {@return whether the driver manages virtual memory} */
    public boolean virtualMemory() {
        return driver.virtualMemory();
    }

    /** {@return whether the driver allocates in the order of a stream} */
    public boolean pools() {
        return driver.pools();
    }

    /** {@return whether the driver takes many copies in one call} */
    public boolean batchedCopies() {
        return driver.batches() != CudaDriver.Batches.NONE;
    }

    /** {@return how many GPUs the driver shows} */
    public int devices() {
        return driver.devices();
    }

    /**
     * Looks at one GPU.
     *
     * @param ordinal its number, from 0
     * @return what it is, and what it has free now
     * @throws CudaException if it does not answer
     */
    public CudaProperties properties(int ordinal) {
        return CudaProperties.of(driver, ordinal);
    }

    /**
     * Whether a GPU reaches the memory of another one without the host between them.
     *
     * @param ordinal the one
     * @param other the other
     * @return whether it does
     * @throws CudaException if the driver does not know one of them
     */
    public boolean reaches(int ordinal, int other) {
        int from = device(ordinal);
        int to = device(other);
        Scratch scratch = Scratch.get();
        CudaException.check(Driver.cuDeviceCanAccessPeer(scratch.address(), from, to), "cuDeviceCanAccessPeer");
        return scratch.getInt(0) != 0;
    }

    private static int device(int ordinal) {
        Scratch scratch = Scratch.get();
        int code = Driver.cuDeviceGet(scratch.address(), ordinal);
        if (code != Cu.CUDA_SUCCESS) {
            throw CudaException.of("cuDeviceGet", code, "device=" + ordinal);
        }
        return scratch.getInt(0);
    }

    /**
     * Moves bytes to a GPU and back, for a second or so, and compares what arrives.
     *
     * @param ordinal its number, from 0
     * @return how fast it was, and whether the bytes were right
     * @throws CudaException if the driver refuses; nothing is held then
     * @throws io.kvflux.memory.DeviceLostException if the GPU is lost meanwhile
     */
    public CudaBandwidth measure(int ordinal) {
        try (Gpu gpu = Gpu.open(driver, ordinal)) {
            gpu.enter();
            try {
                return BandwidthMeasurement.of(driver, gpu);
            } finally {
                gpu.leave();
            }
        }
    }
}
