/*
 * A quick test of the stand-in itself: every function, every fault. Runs at every build of it; it also runs clean with
 * -fsanitize=address,undefined and with -fsanitize=thread.
 */
#include "smoke.h"

#include <stdio.h>
#include <stdlib.h>

void fail(const char *file, int line, const char *text, long long found, long long expected) {
    fprintf(stderr, "%s:%d: %s is %lld and should be %lld\n", file, line, text, found, expected);
    exit(1);
}


CUcontext context;
CUstream stream, other;

void script(const char *text) {
    const char *wrong = kvflux_stub_script(text);
    if (wrong != NULL) {
        fprintf(stderr, "smoke.c: the script '%s': %s\n", text, wrong);
        exit(1);
    }
}

void begin(const char *text) {
    kvflux_stub_reset();
    script(text);
    OK(cuInit(0));
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
    OK(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, -1));
    OK(cuStreamCreateWithPriority(&other, CU_STREAM_NON_BLOCKING, 0));
}

bool violated(const char *with) { return strstr(kvflux_stub_violations(), with) != NULL; }

void end(void) {
    OK(cuStreamDestroy_v2(stream));
    OK(cuStreamDestroy_v2(other));
    OK(cuDevicePrimaryCtxRelease_v2(0));
    IS(0, kvflux_stub_live("all"));
    IS(0, strlen(kvflux_stub_violations()));
}

void *pinned(size_t bytes) {
    void *memory;
    OK(cuMemHostAlloc(&memory, bytes, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP));
    return memory;
}

CUdeviceptr device(size_t bytes) {
    CUdeviceptr memory;
    OK(cuMemAlloc_v2(&memory, bytes));
    return memory;
}

CUevent event(void) {
    CUevent created;
    OK(cuEventCreate(&created, CU_EVENT_DEFAULT));
    return created;
}

static void asks_about_devices(void) {
    int number, least, greatest;
    size_t bytes, all;
    char name[64];
    kvflux_stub_reset();
    IS(CUDA_ERROR_NOT_INITIALIZED, cuDeviceGetCount(&number));
    OK(cuDriverGetVersion(&number));
    IS(13000, number);
    IS(CUDA_ERROR_INVALID_VALUE, cuInit(1));
    begin("devices 3; memory 1GiB\nversion 12080; attribute 75 8; no-peer");
    OK(cuDriverGetVersion(&number));
    IS(12080, number);
    OK(cuDeviceGetCount(&number));
    IS(3, number);
    OK(cuDeviceGet(&number, 2));
    IS(2, number);
    IS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&number, 3));
    OK(cuDeviceGetName(name, sizeof name, 2));
    IS(0, strcmp(name, "KvFlux stand-in GPU"));
    OK(cuDeviceGetAttribute(&number, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0));
    IS(8, number);
    OK(cuDeviceTotalMem_v2(&bytes, 1));
    IS(1 << 30, bytes);
    OK(cuDeviceCanAccessPeer(&number, 0, 1));
    IS(0, number);
    OK(cuCtxGetStreamPriorityRange(&least, &greatest));
    IS(true, least > greatest);
    OK(cuMemGetInfo_v2(&bytes, &all));
    IS(all, bytes);
    OK(cuMemGetInfo_v2(NULL, NULL));
    end();
    kvflux_stub_reset();
    script("devices 0");
    IS(CUDA_ERROR_NO_DEVICE, cuInit(0));
}

static void keeps_contexts_per_thread(void) {
    CUcontext second, found;
    CUdeviceptr memory;
    begin("strict");
    OK(cuDevicePrimaryCtxRetain(&second, 1));
    OK(cuCtxPushCurrent_v2(second));
    OK(cuCtxGetCurrent(&found));
    IS((intptr_t)second, (intptr_t)found);
    OK(cuCtxEnablePeerAccess(context, 0));
    IS(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED, cuCtxEnablePeerAccess(context, 0));
    IS(CUDA_ERROR_INVALID_DEVICE, cuCtxEnablePeerAccess(second, 0));
    OK(cuCtxPopCurrent_v2(&found));
    IS(3, kvflux_stub_live("all") - 1);
    OK(cuDevicePrimaryCtxRelease_v2(1));
    IS(CUDA_ERROR_INVALID_CONTEXT, cuCtxSetCurrent(second));
    OK(cuCtxSetCurrent(NULL));
    IS(CUDA_ERROR_INVALID_CONTEXT, cuMemAlloc_v2(&memory, 1));
    OK(cuCtxSetCurrent(context));
    end();
    IS(CUDA_ERROR_CONTEXT_IS_DESTROYED, cuMemAlloc_v2(&memory, 1));
    IS(CUDA_ERROR_INVALID_CONTEXT, cuDevicePrimaryCtxRelease_v2(0));
}

int main(void) {
    asks_about_devices();
    keeps_contexts_per_thread();
    smoke_memory();
    smoke_streams();
    smoke_kernels();
    smoke_faults();
    return 0;
}
