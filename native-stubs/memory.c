/*
 * Memory of devices and memory of the host that devices reach.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define SMALL ((size_t)2 << 20)
#define UNIT ((size_t)512)

CUresult charge(int device, size_t bytes) {
    if (settings.fail_above != 0 && bytes > settings.fail_above) return CUDA_ERROR_OUT_OF_MEMORY;
    if (devices[device].used > settings.memory || bytes > settings.memory - devices[device].used) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    devices[device].used += bytes;
    return CUDA_SUCCESS;
}

/* Small allocations begin off the start of a page: the driver promises no more than 256 bytes of alignment. */
CUresult allocate(CUdeviceptr *pointer, size_t bytes, int device) {
    if (pointer == NULL || bytes == 0 || bytes > SIZE_MAX / 2) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = charge(device, bytes);
    if (result != CUDA_SUCCESS) return result;
    size_t offset = bytes < SMALL ? UNIT : 0;
    size_t whole = (bytes + offset + PAGE - 1) / PAGE * PAGE;
    uint64_t start = place(whole, bytes < SMALL ? PAGE : SMALL, 0);
    if (start == 0 || !twin_commit(start, whole)) {
        devices[device].used -= bytes;
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    range_add(&areas, ALLOCATION, start + offset, bytes, device);
    memset(twin_of(start + offset), 0xA5, bytes < SPOILT ? bytes : SPOILT);
    *pointer = start + offset;
    return CUDA_SUCCESS;
}

/* The allocation that begins at a pointer. */
CUresult free_device_memory(CUdeviceptr pointer, const char *what, struct range **range) {
    *range = range_find(&areas, pointer);
    if (*range != NULL && !(*range)->closing && (*range)->kind == ALLOCATION && (*range)->start == pointer) {
        return CUDA_SUCCESS;
    }
    const char *why = *range == NULL ? why_absent(pointer)
        : (*range)->closing          ? "was freed already"
                                     : "is no start of an allocation";
    violation("%s: the memory at %#llx %s", what, pointer, why);
    return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes) {
    ENTER(cuMemAlloc_v2, CONTEXT);
    return leave(allocate(pointer, bytes, thread_state()->device));
}

CUresult cuMemFree_v2(CUdeviceptr pointer) {
    ENTER(cuMemFree_v2, GIVES_BACK);
    if (pointer == 0) return leave(CUDA_SUCCESS);
    struct range *range;
    CUresult result = free_device_memory(pointer, "cuMemFree_v2", &range);
    if (result == CUDA_SUCCESS) result = range_close(range, "cuMemFree_v2");
    if (result == CUDA_SUCCESS) range_drop(range);
    return leave(result);
}

/* ---- The host ---- */

CUresult cuMemHostAlloc(void **pointer, size_t bytes, unsigned int flags) {
    ENTER(cuMemHostAlloc, CONTEXT);
    if (pointer == NULL || bytes == 0 || bytes > SIZE_MAX / 2 || flags > 7) return leave(CUDA_ERROR_INVALID_VALUE);
    void *memory = mmap(NULL, (bytes + PAGE - 1) / PAGE * PAGE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return leave(CUDA_ERROR_OUT_OF_MEMORY);
    range_add(&hosts, HOST_ALLOCATION, (uint64_t)memory, bytes, thread_state()->device);
    *pointer = memory;
    return leave(CUDA_SUCCESS);
}

static CUresult end_of_host_range(void *pointer, enum range_kind kind, CUresult absent, const char *what) {
    struct range *range = range_find(&hosts, (uint64_t)pointer);
    if (range == NULL || range->closing || range->kind != kind || range->start != (uint64_t)pointer) {
        violation("%s: the memory at %p %s", what, pointer,
            range == NULL ? why_absent((uint64_t)pointer) : "did not come into being this way");
        return absent;
    }
    CUresult result = range_close(range, what);
    if (result == CUDA_SUCCESS) range_drop(range);
    return result;
}

CUresult cuMemFreeHost(void *pointer) {
    ENTER(cuMemFreeHost, GIVES_BACK);
    return leave(end_of_host_range(pointer, HOST_ALLOCATION, CUDA_ERROR_INVALID_VALUE, "cuMemFreeHost"));
}

/* Whether there is memory everywhere from start to end. */
static bool is_mapped(uint64_t start, uint64_t end) {
    uint64_t page = start / PAGE * PAGE;
    return msync((void *)page, (size_t)(end - page), MS_ASYNC) == 0;
}

CUresult cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned int flags) {
    ENTER(cuMemHostRegister_v2, CONTEXT);
    uint64_t start = (uint64_t)pointer;
    if (attribute_is_off(CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED)) return leave(CUDA_ERROR_NOT_SUPPORTED);
    if (pointer == NULL || bytes == 0 || bytes > UINT64_MAX - start || flags > 15) return leave(CUDA_ERROR_INVALID_VALUE);
    if (is_device_address(start) || !is_mapped(start, start + bytes)) return leave(CUDA_ERROR_INVALID_VALUE);
    if (range_overlaps(&hosts, start, start + bytes)) {
        violation("cuMemHostRegister_v2: of the %zu bytes at %p some are registered already", bytes, pointer);
        return leave(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
    }
    range_add(&hosts, HOST_REGISTRATION, start, bytes, thread_state()->device);
    return leave(CUDA_SUCCESS);
}

CUresult cuMemHostUnregister(void *pointer) {
    ENTER(cuMemHostUnregister, GIVES_BACK);
    return leave(end_of_host_range(
        pointer, HOST_REGISTRATION, ERROR_HOST_MEMORY_NOT_REGISTERED, "cuMemHostUnregister"));
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *device, void *host, unsigned int flags) {
    ENTER(cuMemHostGetDevicePointer_v2, CONTEXT);
    if (device == NULL || flags != 0) return leave(CUDA_ERROR_INVALID_VALUE);
    *device = 0;
    struct range *range = range_find(&hosts, (uint64_t)host);
    if (range == NULL || range->closing) return leave(CUDA_ERROR_INVALID_VALUE);
    *device = (CUdeviceptr)host;
    return leave(CUDA_SUCCESS);
}
