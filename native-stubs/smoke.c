/*
 * A quick test of the stand-in itself: every function, every fault. Runs at every build of it; it also runs clean with
 * -fsanitize=address,undefined and with -fsanitize=thread.
 */
#define _GNU_SOURCE
#include "control.h"
#include "driver.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PTX ".version 8.0\n.target sm_70\n.visible .entry kvflux_copy_pages(\n)\n.entry kvflux_fill_pages (.entry other()"

static void fail(int line, const char *text, long long found, long long expected) {
    fprintf(stderr, "smoke.c:%d: %s is %lld and should be %lld\n", line, text, found, expected);
    exit(1);
}

#define IS(expected, expression)                                                  \
    do {                                                                          \
        long long found_ = (long long)(expression), expected_ = (long long)(expected); \
        if (found_ != expected_) fail(__LINE__, #expression, found_, expected_);  \
    } while (0)
#define OK(expression) IS(CUDA_SUCCESS, expression)

static CUcontext context;
static CUstream stream, other;

static void script(const char *text) {
    const char *wrong = kvflux_stub_script(text);
    if (wrong != NULL) {
        fprintf(stderr, "smoke.c: the script '%s': %s\n", text, wrong);
        exit(1);
    }
}

/* A fresh driver with two streams on device 0. */
static void begin(const char *text) {
    kvflux_stub_reset();
    script(text);
    OK(cuInit(0));
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
    OK(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, -1));
    OK(cuStreamCreateWithPriority(&other, CU_STREAM_NON_BLOCKING, 0));
}

static bool violated(const char *with) { return strstr(kvflux_stub_violations(), with) != NULL; }

/* Ends a test that gave everything back. */
static void end(void) {
    OK(cuStreamDestroy_v2(stream));
    OK(cuStreamDestroy_v2(other));
    OK(cuDevicePrimaryCtxRelease_v2(0));
    IS(0, kvflux_stub_live("all"));
    IS(0, strlen(kvflux_stub_violations()));
}

static void *pinned(size_t bytes) {
    void *memory;
    OK(cuMemHostAlloc(&memory, bytes, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP));
    return memory;
}

static CUdeviceptr device(size_t bytes) {
    CUdeviceptr memory;
    OK(cuMemAlloc_v2(&memory, bytes));
    return memory;
}

static CUevent event(void) {
    CUevent created;
    OK(cuEventCreate(&created, CU_EVENT_DEFAULT));
    return created;
}

/* ---- Devices ---- */

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

/* ---- Memory and copies ---- */

static sigjmp_buf after_fault;

static void on_fault(int signal) { siglongjmp(after_fault, signal); }

static void device_memory_is_out_of_reach(void) {
    begin("strict");
    CUdeviceptr memory = device(4096);
    struct sigaction action = {.sa_handler = on_fault}, before;
    sigaction(SIGSEGV, &action, &before);
    if (sigsetjmp(after_fault, 1) == 0) {
        *(volatile char *)memory = 1;
        fail(__LINE__, "a write to device memory", 0, 1);
    }
    sigaction(SIGSEGV, &before, NULL);
    OK(cuMemFree_v2(memory));
    OK(cuMemFree_v2(0));
    end();
}

static void copies_all_ways(void) {
    begin("strict; bandwidth 8GiB; late 50");
    CUdeviceptr first = device(MIB), second = device(MIB), alias;
    unsigned char *host = pinned(4 * MIB);
    OK(cuMemHostGetDevicePointer_v2(&alias, host, 0));
    IS((intptr_t)host, alias);
    memset(host, 7, MIB);
    OK(cuMemcpyHtoDAsync_v2(first, host, MIB, stream));
    OK(cuMemsetD8Async(second, 9, MIB, stream));
    OK(cuMemcpyDtoDAsync_v2(second, first, MIB / 2, stream));
    OK(cuMemcpyDtoHAsync_v2(host + MIB, second, MIB, stream));
    CUDA_MEMCPY2D copy = {.srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = host + MIB, .srcPitch = MIB / 2,
        .dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = first, .dstPitch = 1024, .WidthInBytes = 1024, .Height = 2};
    OK(cuMemcpy2DAsync_v2(&copy, stream));
    OK(cuMemcpyDtoHAsync_v2(host + 2 * MIB, first, 4096, 0));
    OK(cuStreamSynchronize(stream));
    OK(cuMemcpyDtoHAsync_v2(host + 2 * MIB, first, 4096, 0));
    OK(cuStreamSynchronize(0));
    IS(7, host[MIB]);
    IS(7, host[MIB + MIB / 2 - 1]);
    IS(9, host[MIB + MIB / 2]);
    IS(7, host[2 * MIB]);
    IS(9, host[2 * MIB + 1024]);
    IS(7, host[2 * MIB + 2048]);
    OK(cuMemFree_v2(first));
    OK(cuMemFree_v2(second));
    OK(cuMemFreeHost(host));
    end();
}

static void copies_between_devices(void) {
    CUcontext peer;
    begin("strict; bandwidth 64GiB");
    unsigned char *host = pinned(64);
    memset(host, 3, 32);
    OK(cuDevicePrimaryCtxRetain(&peer, 1));
    OK(cuCtxPushCurrent_v2(peer));
    CUdeviceptr far = device(32);
    OK(cuCtxPopCurrent_v2(NULL));
    CUdeviceptr near = device(32);
    OK(cuMemcpyHtoDAsync_v2(near, host, 32, stream));
    OK(cuMemcpyPeerAsync(far, peer, near, context, 32, stream));
    OK(cuMemcpyDtoHAsync_v2(host + 32, far, 32, stream));
    OK(cuStreamSynchronize(stream));
    IS(3, host[63]);
    OK(cuMemFree_v2(near));
    OK(cuMemFree_v2(far));
    OK(cuMemFreeHost(host));
    OK(cuDevicePrimaryCtxRelease_v2(1));
    end();
}

static void copies_pageable_memory_when_not_strict(void) {
    unsigned char *host = malloc(64);
    begin("");
    CUdeviceptr memory = device(64);
    memset(host, 5, 64);
    script("late 2000");
    OK(cuMemcpyHtoDAsync_v2(memory, host, 64, stream));
    memset(host, 0, 64);
    OK(cuMemcpyDtoHAsync_v2(host, memory, 64, stream));
    IS(5, host[63]);
    OK(cuMemFree_v2(memory));
    end();
    free(host);
}

static void registers_memory(void) {
    begin("");
    char *host = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(host + 2 * 4096, 4096);
    IS(CUDA_ERROR_INVALID_VALUE, cuMemHostRegister_v2(host, 3 * 4096, CU_MEMHOSTREGISTER_PORTABLE));
    OK(cuMemHostRegister_v2(host, 4096, CU_MEMHOSTREGISTER_PORTABLE));
    IS(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, cuMemHostRegister_v2(host + 4000, 4096, 0));
    CUdeviceptr memory = device(8192);
    IS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoDAsync_v2(memory, host, 8192, stream));
    OK(cuMemcpyHtoDAsync_v2(memory, host, 4096, stream));
    OK(cuStreamSynchronize(stream));
    IS(713, cuMemHostUnregister(host + 1));
    OK(cuMemHostUnregister(host));
    OK(cuMemFree_v2(memory));
    script("attribute 99 0");
    IS(CUDA_ERROR_NOT_SUPPORTED, cuMemHostRegister_v2(host, 4096, 0));
    munmap(host, 2 * 4096);
    end();
}

static void batches(void) {
    begin("strict");
    unsigned char *host = pinned(4 * 4096);
    CUdeviceptr memory = device(2 * 4096);
    for (int i = 0; i < 2 * 4096; i++) host[i] = (unsigned char)(i / 4096 + 1);
    CUdeviceptr to[2] = {memory + 4096, memory}, from[2] = {(CUdeviceptr)host, (CUdeviceptr)host + 4096};
    CUdeviceptr back[2] = {(CUdeviceptr)host + 2 * 4096, (CUdeviceptr)host + 3 * 4096}, pages[2] = {memory, memory + 4096};
    size_t sizes[2] = {4096, 4096}, from_index = 0, failed = 0;
    CUmemcpyAttributes attributes = {.srcAccessOrder = CU_MEMCPY_SRC_ACCESS_ORDER_STREAM};
    OK(cuMemcpyBatchAsync(to, from, sizes, 2, &attributes, &from_index, 1, &failed, stream));
    OK(cuMemcpyBatchAsync_v2(back, pages, sizes, 2, &attributes, &from_index, 1, stream));
    OK(cuStreamSynchronize(stream));
    IS(2, host[2 * 4096]);
    IS(1, host[3 * 4096]);
    IS(CUDA_ERROR_INVALID_VALUE, cuMemcpyBatchAsync_v2(to, from, sizes, 2, &attributes, &from_index, 1, 0));
    IS(0, strlen(kvflux_stub_violations()));
    to[1] = memory + 4097;
    IS(CUDA_ERROR_INVALID_VALUE, cuMemcpyBatchAsync(to, from, sizes, 2, &attributes, &from_index, 1, &failed, stream));
    IS(1, failed);
    IS(true, violated("beyond its allocation"));
    kvflux_stub_reset();
}

/* ---- Virtual memory and pools ---- */

static void maps_memory(void) {
    CUmemAllocationProp properties = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
        .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 0}};
    CUmemAccessDesc access = {
        .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 0}, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUmemGenericAllocationHandle handles[2];
    CUdeviceptr start;
    size_t unit, left, all;
    begin("strict");
    OK(cuMemGetAllocationGranularity(&unit, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
    OK(cuMemAddressReserve(&start, 8 * unit, 0, 0, 0));
    for (int i = 0; i < 2; i++) {
        OK(cuMemCreate(&handles[i], unit, &properties, 0));
        OK(cuMemMap(start + (size_t)i * unit, unit, 0, handles[i], 0));
    }
    IS(CUDA_ERROR_INVALID_VALUE, cuMemMap(start, unit, 0, handles[0], 0));
    OK(cuMemSetAccess(start, 2 * unit, &access, 1));
    unsigned char *host = pinned(2 * unit);
    memset(host, 1, 2 * unit);
    OK(cuMemcpyHtoDAsync_v2(start, host, 2 * unit, stream));
    OK(cuMemcpyDtoHAsync_v2(host, start + unit / 2, unit, stream));
    OK(cuStreamSynchronize(stream));
    OK(cuMemGetInfo_v2(&left, &all));
    IS(2 * unit, all - left);
    OK(cuMemRelease(handles[0]));
    OK(cuMemUnmap(start, 2 * unit));
    OK(cuMemGetInfo_v2(&left, &all));
    IS(unit, all - left);
    OK(cuMemRelease(handles[1]));
    OK(cuMemAddressFree(start, 8 * unit));
    OK(cuMemFreeHost(host));
    end();
}

static void wrong_mappings_are_errors(void) {
    CUmemAllocationProp properties = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
        .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 0}};
    CUmemGenericAllocationHandle handle;
    CUdeviceptr start;
    begin("strict; memory 16MiB");
    IS(CUDA_ERROR_OUT_OF_MEMORY, cuMemCreate(&handle, 32 * MIB, &properties, 0));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemCreate(&handle, MIB, &properties, 0));
    OK(cuMemAddressReserve(&start, 4 * MIB, 0, 0, 0));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemsetD8Async(start, 0, 16, stream));
    IS(true, violated("reserved and not mapped"));
    OK(cuMemCreate(&handle, 2 * MIB, &properties, 0));
    OK(cuMemMap(start, 2 * MIB, 0, handle, 0));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemAddressFree(start, 4 * MIB));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemUnmap(start, 4 * MIB));
    OK(cuMemsetD8Async(start, 0, 16, stream));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(stream));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemUnmap(start, 2 * MIB));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemRelease(handle));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemRelease(handle));
    IS(true, violated("released already"));
    OK(cuMemAddressFree(start, 4 * MIB));
    begin("attribute 102 0");
    IS(CUDA_ERROR_NOT_SUPPORTED, cuMemCreate(&handle, 2 * MIB, &properties, 0));
    end();
}

static void allocates_in_order(void) {
    CUdeviceptr memory;
    begin("strict");
    unsigned char *host = pinned(1);
    OK(cuMemAllocAsync(&memory, 4096, stream));
    OK(cuMemsetD8Async(memory, 4, 4096, stream));
    OK(cuMemcpyDtoHAsync_v2(host, memory, 1, stream));
    OK(cuMemFreeAsync(memory, stream));
    OK(cuStreamSynchronize(stream));
    IS(4, *host);
    IS(0, kvflux_stub_live("allocations"));
    OK(cuMemFreeHost(host));
    end();
    IS(CUDA_ERROR_CONTEXT_IS_DESTROYED, cuMemFreeAsync(memory, 0));
}

/* ---- Streams and events ---- */

static void waits_for_events(void) {
    float milliseconds = -1;
    begin("strict; hold");
    CUevent first = event(), second = event();
    unsigned char *host = pinned(2);
    CUdeviceptr memory = device(1);
    host[0] = 6;
    host[1] = 0;
    OK(cuEventQuery(first));
    OK(cuMemcpyHtoDAsync_v2(memory, host, 1, stream));
    OK(cuEventRecord(first, stream));
    OK(cuStreamWaitEvent(other, first, 0));
    OK(cuMemcpyDtoHAsync_v2(host + 1, memory, 1, other));
    OK(cuEventRecord(second, other));
    IS(CUDA_ERROR_NOT_READY, cuEventQuery(first));
    IS(CUDA_ERROR_NOT_READY, cuStreamQuery(other));
    IS(CUDA_ERROR_NOT_READY, cuEventElapsedTime(&milliseconds, first, second));
    IS(5, kvflux_stub_live("operations"));
    IS(1, kvflux_stub_release(1));
    IS(CUDA_ERROR_NOT_READY, cuEventQuery(first));
    IS(1, kvflux_stub_release(1));
    OK(cuEventQuery(first));
    IS(CUDA_ERROR_NOT_READY, cuEventQuery(second));
    IS(0, host[1]);
    IS(3, kvflux_stub_release(9));
    IS(6, host[1]);
    OK(cuEventElapsedTime(&milliseconds, first, second));
    IS(true, milliseconds >= 0);
    IS(0, kvflux_stub_release(-1));
    OK(cuEventRecord(first, stream));
    OK(cuEventSynchronize(first));
    OK(cuEventDestroy_v2(first));
    OK(cuEventDestroy_v2(second));
    OK(cuMemFree_v2(memory));
    OK(cuMemFreeHost(host));
    end();
}

static void add_one(void *number) { ++*(int *)number; }

static void calls_back(void *number) { *(int *)number = cuDriverGetVersion(number); }

static void calls_host_functions(void) {
    int number = 0;
    begin("");
    OK(cuLaunchHostFunc(stream, add_one, &number));
    OK(cuStreamSynchronize(stream));
    IS(1, number);
    OK(cuLaunchHostFunc(stream, calls_back, &number));
    OK(cuStreamSynchronize(stream));
    IS(800, number);
    script("no-callbacks");
    OK(cuLaunchHostFunc(stream, add_one, &number));
    OK(cuEventRecord(event(), stream));
    OK(cuLaunchHostFunc(other, add_one, &number));
    IS(CUDA_ERROR_NOT_READY, cuStreamQuery(stream));
    kvflux_stub_reset();
    IS(800, number);
    IS(0, kvflux_stub_live("all"));
}

static void destroys_streams_with_work(void) {
    int number = 0;
    begin("strict; late 3000");
    CUstream busy;
    OK(cuStreamCreateWithPriority(&busy, 0, 0));
    CUevent done = event();
    OK(cuLaunchHostFunc(busy, add_one, &number));
    OK(cuEventRecord(done, busy));
    OK(cuStreamDestroy_v2(busy));
    OK(cuEventSynchronize(done));
    IS(1, number);
    OK(cuEventDestroy_v2(done));
    end();
    begin("strict");
    CUevent gone = event();
    OK(cuEventDestroy_v2(gone));
    IS(400, cuEventQuery(gone));
    IS(true, violated("destroyed already"));
    kvflux_stub_reset();
}

static void objects_belong_to_their_device(void) {
    CUcontext peer;
    CUevent theirs;
    begin("");
    OK(cuDevicePrimaryCtxRetain(&peer, 1));
    OK(cuCtxPushCurrent_v2(peer));
    OK(cuEventCreate(&theirs, CU_EVENT_DISABLE_TIMING));
    OK(cuCtxPopCurrent_v2(NULL));
    IS(400, cuEventRecord(theirs, stream));
    OK(cuStreamWaitEvent(stream, theirs, 0));
    OK(cuEventDestroy_v2(theirs));
    OK(cuDevicePrimaryCtxRelease_v2(1));
    end();
}

/* ---- Kernels ---- */

static CUmodule load(CUfunction *copy) {
    CUmodule module;
    OK(cuModuleLoadData(&module, PTX));
    OK(cuModuleGetFunction(copy, module, "kvflux_copy_pages"));
    return module;
}

static CUresult launch(CUfunction function, unsigned pages, void **parameters) {
    return cuLaunchKernel(function, pages, 1, 1, 256, 1, 1, 0, stream, parameters, NULL);
}

static void runs_kernels(void) {
    CUmodule module;
    CUfunction copy, fill, unknown;
    begin("strict");
    IS(218, cuModuleLoadData(&module, "no ptx"));
    module = load(&copy);
    IS(500, cuModuleGetFunction(&fill, module, "kvflux_fill"));
    OK(cuModuleGetFunction(&fill, module, "kvflux_fill_pages"));
    OK(cuModuleGetFunction(&unknown, module, "other"));
    uint64_t *host = pinned(4096);
    CUdeviceptr memory = device(4096);
    uint64_t pairs = (uint64_t)host, pages = 2, bytes = 512, value = 0x1f7;
    host[0] = memory, host[1] = memory + 1024;
    void *fills[] = {&pairs, &pages, &bytes, &value}, *copies[] = {&pairs, &pages, &bytes};
    OK(launch(fill, 2, fills));
    OK(cuStreamSynchronize(stream));
    host[0] = memory, host[1] = (uint64_t)host + 1024;
    host[2] = memory + 1024, host[3] = (uint64_t)host + 2048;
    OK(launch(copy, 2, copies));
    OK(cuStreamSynchronize(stream));
    IS(0xf7, ((unsigned char *)host)[1024]);
    IS(0xf7, ((unsigned char *)host)[2048 + 511]);
    IS(0, ((unsigned char *)host)[2048 + 512]);
    IS(CUDA_ERROR_INVALID_VALUE, launch(copy, 0, copies));
    IS(CUDA_ERROR_NOT_SUPPORTED, launch(unknown, 1, copies));
    OK(cuMemFree_v2(memory));
    OK(launch(copy, 2, copies));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(stream));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemAlloc_v2(&memory, 1));
    IS(true, violated("where it may not"));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuModuleUnload(module));
    IS(0, kvflux_stub_live("modules"));
    kvflux_stub_reset();
}

/* ---- Faults ---- */

static void fails_as_scripted(void) {
    CUdeviceptr memory;
    begin("fail cuMemAlloc_v2 2 2; fail-above 1MiB; fail-later cuMemsetD8Async 1 719");
    OK(cuMemAlloc_v2(&memory, 512));
    CUdeviceptr none;
    IS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc_v2(&none, 512));
    IS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc_v2(&none, MIB + 1));
    IS(3, kvflux_stub_calls("cuMemAlloc_v2"));
    IS(1, kvflux_stub_live("allocations"));
    CUresult result = cuMemsetD8Async(memory, 0, 512, stream);
    if (result != CUDA_SUCCESS) IS(CUDA_ERROR_LAUNCH_FAILED, result);
    IS(CUDA_ERROR_LAUNCH_FAILED, cuStreamSynchronize(stream));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuMemFree_v2(memory));
    IS(0, kvflux_stub_live("allocations"));
    begin("fail cuEventCreate 1 714 sticky");
    CUevent created;
    IS(714, cuEventCreate(&created, 0));
    IS(714, cuEventCreate(&created, 0));
    IS(714, cuStreamDestroy_v2(stream));
    IS(714, cuStreamDestroy_v2(other));
    IS(714, cuDevicePrimaryCtxRelease_v2(0));
    IS(0, kvflux_stub_live("all"));
}

static void *lose_later(void *argument) {
    usleep(2000);
    script("lose 0");
    return argument;
}

static void loses_devices(void) {
    pthread_t thread;
    begin("strict; hold");
    CUdeviceptr memory = device(512);
    CUevent done = event();
    OK(cuMemsetD8Async(memory, 0, 512, stream));
    OK(cuEventRecord(done, stream));
    pthread_create(&thread, NULL, lose_later, NULL);
    IS(CUDA_ERROR_LAUNCH_FAILED, cuEventSynchronize(done));
    pthread_join(thread, NULL);
    IS(0, kvflux_stub_live("operations"));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuEventQuery(done));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuMemFree_v2(memory));
    OK(cuDevicePrimaryCtxRetain(&context, 1));
    OK(cuCtxSetCurrent(context));
    OK(cuMemFree_v2(device(512)));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuStreamQuery(stream));
    kvflux_stub_reset();
}

static void sees_violations(void) {
    CUdeviceptr memory;
    char host[64] = {0};
    begin("strict");
    memory = device(4096);
    IS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoDAsync_v2(memory, host, 64, stream));
    IS(true, violated("is in no registered memory"));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemsetD8Async(memory + 4000, 0, 97, stream));
    IS(true, violated("reaches beyond its allocation"));
    script("hold");
    OK(cuMemsetD8Async(memory, 0, 96, stream));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemFree_v2(memory));
    IS(true, violated("1 operations that have not ended use the memory"));
    IS(1, kvflux_stub_release(-1));
    OK(cuMemFree_v2(memory));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemFree_v2(memory));
    IS(true, violated("was freed already"));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemsetD8Async(memory, 0, 1, stream));
    OK(cuDevicePrimaryCtxRelease_v2(0));
    IS(true, violated("finds 2 streams"));
    IS(0, kvflux_stub_live("all"));
    kvflux_stub_reset();
    IS(0, strlen(kvflux_stub_violations()));
}

static void refuses_bad_scripts(void) {
    static const char *const scripts[] = {"nonsense", "devices", "devices -1", "memory 1GB", "fail cuNothing 1 1",
        "fail-later cuMemAlloc_v2 1 1", "fail cuInit 0 1", "late x", "strict 1", "lose 7"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) IS(true, kvflux_stub_script(scripts[i]) != NULL);
    IS(-1, kvflux_stub_live("nonsense"));
    IS(-1, kvflux_stub_calls("cuNothing"));
}

static void refuses_forked_children(void) {
    begin("");
    pid_t child = fork();
    if (child == 0) {
        CUcontext current;
        _exit(cuCtxGetCurrent(&current) == CUDA_ERROR_NOT_INITIALIZED ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    IS(0, status);
    script("forked");
    IS(CUDA_ERROR_NOT_INITIALIZED, cuMemFree_v2(0));
    kvflux_stub_reset();
}

static void names_all_errors(void) {
    const char *text;
#define TYPE(name, bytes)
#define FUNCTION(set, name, parameters)
#define CONSTANT(constant, value)                                  \
    if (strncmp(#constant, "CUDA_", 5) == 0) {                     \
        OK(cuGetErrorName(constant, &text));                       \
        IS(0, strcmp(text, #constant));                            \
        OK(cuGetErrorString(constant, &text));                     \
    }
#define STRUCT(name, bytes)
#define FIELD(name, member, offset)
#include "driver.def"
    IS(CUDA_ERROR_INVALID_VALUE, cuGetErrorName(12345, &text));
    IS(CUDA_ERROR_INVALID_VALUE, cuGetErrorString(12345, &text));
}

/* ---- Many threads ---- */

static void *copies_much(void *argument) {
    CUstream mine;
    CUevent done;
    unsigned char *host;
    int seed = (int)(intptr_t)argument;
    OK(cuCtxSetCurrent(context));
    OK(cuStreamCreateWithPriority(&mine, CU_STREAM_NON_BLOCKING, 0));
    OK(cuEventCreate(&done, 0));
    OK(cuMemHostAlloc((void **)&host, 8192, 0));
    for (int i = 0; i < 100; i++) {
        CUdeviceptr memory = device(4096);
        memset(host, seed + i, 4096);
        OK(cuMemcpyHtoDAsync_v2(memory, host, 4096, mine));
        OK(cuMemcpyDtoHAsync_v2(host + 4096, memory, 4096, mine));
        OK(cuEventRecord(done, mine));
        OK(cuEventSynchronize(done));
        IS((unsigned char)(seed + i), host[8191]);
        OK(cuMemFree_v2(memory));
    }
    OK(cuMemFreeHost(host));
    OK(cuEventDestroy_v2(done));
    OK(cuStreamDestroy_v2(mine));
    return NULL;
}

static void serves_many_threads(const char *text) {
    pthread_t threads[4];
    begin(text);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, copies_much, (void *)(intptr_t)(i * 50));
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    end();
}

int main(void) {
    asks_about_devices();
    keeps_contexts_per_thread();
    device_memory_is_out_of_reach();
    copies_all_ways();
    copies_between_devices();
    copies_pageable_memory_when_not_strict();
    registers_memory();
    batches();
    maps_memory();
    wrong_mappings_are_errors();
    allocates_in_order();
    waits_for_events();
    calls_host_functions();
    destroys_streams_with_work();
    objects_belong_to_their_device();
    runs_kernels();
    fails_as_scripted();
    loses_devices();
    sees_violations();
    refuses_bad_scripts();
    refuses_forked_children();
    names_all_errors();
    serves_many_threads("strict");
    serves_many_threads("strict; shuffle 5");
    return 0;
}
