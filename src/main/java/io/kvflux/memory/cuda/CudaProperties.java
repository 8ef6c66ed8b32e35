package io.kvflux.memory.cuda;

/**
 * What a device is, and what it has free now.
 *
 * @param ordinal its number among those that the driver shows, from 0
 * @param model what its maker calls it
 * @param computeCapability such as 9.0
 * @param multiprocessors how many
 * @param copyEngines how many copies run beside computing
 * @param totalBytes memory it has
 * @param freeBytes memory that nobody had when this was asked for
 * @param virtualMemory whether its addresses can be mapped
 * @param pools whether it allocates in the order of a stream
 */
public record CudaProperties(
        int ordinal,
        String model,
        String computeCapability,
        int multiprocessors,
        int copyEngines,
        long totalBytes,
        long freeBytes,
        boolean virtualMemory,
        boolean pools) {

    private static final int NAME_BYTES = 256;

    /** What the device of native-stubs calls itself. */
    private static final String STAND_IN = "KvFlux stand-in";

    /** {@return what messages call it, such as cuda:0 (NVIDIA H100)} */
    public String name() {
        return "cuda:" + ordinal + " (" + model + ")";
    }

    /** {@return whether this is no GPU, but host memory behind the stand-in of the driver} */
    public boolean isStandIn() {
        return model.startsWith(STAND_IN);
    }

    /** Asks the driver for one; its context is made for that if nobody has it. */
    static CudaProperties of(CudaDriver driver, int ordinal) {
        String operands = "device=" + ordinal;
        Scratch scratch = Scratch.get();
        check(Driver.cuDeviceGet(scratch.address(), ordinal), "cuDeviceGet", operands);
        int device = scratch.getInt(0);
        check(Driver.cuDeviceGetName(scratch.address(), NAME_BYTES, device), "cuDeviceGetName", operands);
        String model = scratch.text(0);
        check(Driver.cuDeviceTotalMem_v2(scratch.address(), device), "cuDeviceTotalMem_v2", operands);
        long total = scratch.getLong(0);
        return new CudaProperties(
                ordinal,
                model,
                attribute(device, Cu.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) + "."
                        + attribute(device, Cu.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
                attribute(device, Cu.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
                attribute(device, Cu.CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT),
                total,
                freeBytes(device, operands),
                driver.virtualMemory()
                        && attribute(device, Cu.CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED) != 0,
                driver.pools() && attribute(device, Cu.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) != 0);
    }

    private static long freeBytes(int device, String operands) {
        Scratch scratch = Scratch.get();
        check(Driver.cuDevicePrimaryCtxRetain(scratch.address(), device), "cuDevicePrimaryCtxRetain", operands);
        try {
            check(Driver.cuCtxPushCurrent_v2(scratch.getLong(0)), "cuCtxPushCurrent_v2", operands);
            int code = Driver.cuMemGetInfo_v2(scratch.address(), scratch.address(Long.BYTES));
            long free = scratch.getLong(0);
            Driver.cuCtxPopCurrent_v2(scratch.address());
            check(code, "cuMemGetInfo_v2", operands);
            return free;
        } finally {
            Driver.cuDevicePrimaryCtxRelease_v2(device);
        }
    }

    private static int attribute(int device, int attribute) {
        Scratch scratch = Scratch.get();
        check(
                Driver.cuDeviceGetAttribute(scratch.address(), attribute, device),
                "cuDeviceGetAttribute",
                "attribute=" + attribute);
        return scratch.getInt(0);
    }

    private static void check(int code, String call, String operands) {
        if (code != Cu.CUDA_SUCCESS) {
            throw CudaException.of(call, code, operands);
        }
    }
}
