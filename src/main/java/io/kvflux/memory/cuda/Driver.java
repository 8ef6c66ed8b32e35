package io.kvflux.memory.cuda;

/**
 * What every driver has. Handles, pointers and sizes are longs, whatever they point to; a pointer to a result is the
 * address of native memory. The result is a CUresult. Bound by {@link CudaDriver}; native-stubs/driver.def is the table that
 * these declarations are compared with.
 */
final class Driver {

    private Driver() {}

    static native int cuInit(int flags);

    static native int cuDriverGetVersion(long version);

    static native int cuGetErrorName(int error, long name);

    static native int cuGetErrorString(int error, long text);

    static native int cuDeviceGetCount(long count);

    static native int cuDeviceGet(long device, int ordinal);

    static native int cuDeviceGetName(long name, int length, int device);

    static native int cuDeviceGetAttribute(long value, int attribute, int device);

    static native int cuDeviceTotalMem_v2(long bytes, int device);

    static native int cuDeviceCanAccessPeer(long can, int device, int peer);

    static native int cuDevicePrimaryCtxRetain(long context, int device);

    static native int cuDevicePrimaryCtxRelease_v2(int device);

    static native int cuCtxGetCurrent(long context);

    static native int cuCtxSetCurrent(long context);

    static native int cuCtxPushCurrent_v2(long context);

    static native int cuCtxPopCurrent_v2(long context);

    static native int cuCtxEnablePeerAccess(long peer, int flags);

    static native int cuCtxGetStreamPriorityRange(long least, long greatest);

    static native int cuMemGetInfo_v2(long freeBytes, long totalBytes);

    static native int cuMemAlloc_v2(long pointer, long bytes);

    static native int cuMemFree_v2(long pointer);

    static native int cuMemHostAlloc(long pointer, long bytes, int flags);

    static native int cuMemFreeHost(long pointer);

    static native int cuMemHostRegister_v2(long pointer, long bytes, int flags);

    static native int cuMemHostUnregister(long pointer);

    static native int cuMemHostGetDevicePointer_v2(long device, long host, int flags);

    static native int cuMemcpyHtoDAsync_v2(long destination, long source, long bytes, long stream);

    static native int cuMemcpyDtoHAsync_v2(long destination, long source, long bytes, long stream);

    static native int cuMemcpyDtoDAsync_v2(long destination, long source, long bytes, long stream);

    static native int cuMemcpyPeerAsync(
            long destination, long destinationContext, long source, long sourceContext, long bytes, long stream);

    static native int cuMemcpy2DAsync_v2(long copy, long stream);

    static native int cuMemsetD8Async(long destination, byte value, long bytes, long stream);

    static native int cuStreamCreateWithPriority(long stream, int flags, int priority);

    static native int cuStreamDestroy_v2(long stream);

    static native int cuStreamQuery(long stream);

    static native int cuStreamSynchronize(long stream);

    static native int cuStreamWaitEvent(long stream, long event, int flags);

    static native int cuThreadExchangeStreamCaptureMode(long mode);

    static native int cuEventCreate(long event, int flags);

    static native int cuEventDestroy_v2(long event);

    static native int cuEventRecord(long event, long stream);

    static native int cuEventQuery(long event);

    static native int cuEventSynchronize(long event);

    static native int cuEventElapsedTime(long milliseconds, long from, long to);

    static native int cuLaunchHostFunc(long stream, long function, long userData);

    static native int cuModuleLoadData(long module, long image);

    static native int cuModuleUnload(long module);

    static native int cuModuleGetFunction(long function, long module, long name);

    static native int cuLaunchKernel(
            long function,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            long stream,
            long parameters,
            long extra);
}
