/*
 * Memory, copies, virtual memory and pools.
 */
#define _GNU_SOURCE
#include "smoke.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

static sigjmp_buf after_fault;

static void on_fault(int signal) { siglongjmp(after_fault, signal); }

static void device_memory_is_out_of_reach(void) {
    begin("strict");
    CUdeviceptr memory = device(4096);
    struct sigaction action = {.sa_handler = on_fault}, before;
    sigaction(SIGSEGV, &action, &before);
    if (sigsetjmp(after_fault, 1) == 0) {
        *(volatile char *)memory = 1;
        fail(__FILE__, __LINE__, "a write to device memory", 0, 1);
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

void smoke_memory(void) {
    device_memory_is_out_of_reach();
    copies_all_ways();
    copies_between_devices();
    copies_pageable_memory_when_not_strict();
    registers_memory();
    batches();
    maps_memory();
    wrong_mappings_are_errors();
    allocates_in_order();
}
