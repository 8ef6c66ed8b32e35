/*
 * Virtual memory management: addresses, memory and what maps one to the other, each of its own. The memory of all handles
 * lies in one file without a name, so that a handle can be mapped at several places.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct memory {
    uint64_t handle;
    int device;
    size_t bytes;
    int64_t offset;
    int mappings;
    bool released;
};

static int file = -1;
static int64_t file_end;

static bool off(void) { return attribute_is_off(CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED); }

static bool whole_pages(uint64_t value) { return value != 0 && value % GRANULARITY == 0; }

static CUresult check_properties(const CUmemAllocationProp *properties) {
    if (properties == NULL || properties->type != CU_MEM_ALLOCATION_TYPE_PINNED
        || properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    return device_exists(properties->location.id) ? devices[properties->location.id].sticky : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuMemGetAllocationGranularity(
    size_t *granularity, const CUmemAllocationProp *properties, CUmemAllocationGranularity_flags option) {
    ENTER(cuMemGetAllocationGranularity, INITIALISED);
    if (off()) return leave(CUDA_ERROR_NOT_SUPPORTED);
    CUresult result = check_properties(properties);
    if (result != CUDA_SUCCESS) return leave(result);
    if (granularity == NULL || option < 0 || option > 1) return leave(CUDA_ERROR_INVALID_VALUE);
    *granularity = GRANULARITY;
    return leave(CUDA_SUCCESS);
}

/* ---- Addresses ---- */

CUresult cuMemAddressReserve(
    CUdeviceptr *pointer, size_t bytes, size_t alignment, CUdeviceptr address, unsigned long long flags) {
    ENTER(cuMemAddressReserve, INITIALISED);
    if (off()) return leave(CUDA_ERROR_NOT_SUPPORTED);
    if (pointer == NULL || flags != 0 || !whole_pages(bytes) || (alignment & (alignment - 1)) != 0) {
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    uint64_t start = place(bytes, alignment > GRANULARITY ? alignment : GRANULARITY, address);
    if (start == 0) return leave(CUDA_ERROR_OUT_OF_MEMORY);
    range_add(&areas, RESERVATION, start, bytes, 0);
    *pointer = start;
    return leave(CUDA_SUCCESS);
}

CUresult cuMemAddressFree(CUdeviceptr pointer, size_t bytes) {
    ENTER(cuMemAddressFree, INITIALISED);
    struct range *range = range_find(&areas, pointer);
    if (range == NULL || range->kind != RESERVATION || range->start != pointer || range->end != pointer + bytes) {
        violation("cuMemAddressFree: the %zu bytes at %#llx %s", bytes, pointer,
            range == NULL ? why_absent(pointer) : "are no whole reservation");
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    if (range_overlaps(&mappings, range->start, range->end)) {
        violation("cuMemAddressFree: memory is mapped into the %zu bytes at %#llx", bytes, pointer);
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    range_drop(range);
    return leave(CUDA_SUCCESS);
}

/* ---- Memory ---- */

static bool extend_file(size_t bytes, int64_t *offset) {
    char spoilt[SPOILT];
    if (file < 0) file = memfd_create("kvflux-device-memory", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, file_end + (int64_t)bytes) != 0) return false;
    *offset = file_end;
    file_end += (int64_t)bytes;
    memset(spoilt, 0xA5, sizeof spoilt);
    return pwrite(file, spoilt, sizeof spoilt, *offset) == (ssize_t)sizeof spoilt;
}

static void memory_free(struct memory *memory) {
    if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, memory->offset, (int64_t)memory->bytes) != 0) abort();
    devices[memory->device].used -= memory->bytes;
    free(memory);
}

CUresult cuMemCreate(CUmemGenericAllocationHandle *handle, size_t bytes, const CUmemAllocationProp *properties,
    unsigned long long flags) {
    ENTER(cuMemCreate, INITIALISED);
    if (off()) return leave(CUDA_ERROR_NOT_SUPPORTED);
    CUresult result = check_properties(properties);
    if (result != CUDA_SUCCESS) return leave(result);
    if (handle == NULL || flags != 0 || !whole_pages(bytes)) return leave(CUDA_ERROR_INVALID_VALUE);
    int device = properties->location.id;
    result = charge(device, bytes);
    if (result != CUDA_SUCCESS) return leave(result);
    struct memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL || !extend_file(bytes, &memory->offset)) {
        free(memory);
        devices[device].used -= bytes;
        return leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    memory->device = device;
    memory->bytes = bytes;
    memory->handle = handle_create(HANDLE_MEMORY, memory);
    *handle = memory->handle;
    return leave(CUDA_SUCCESS);
}

static struct memory *memory_find(CUmemGenericAllocationHandle handle, const char *what) {
    struct memory *memory = handle_find(HANDLE_MEMORY, handle);
    if (memory == NULL) {
        violation("%s: the handle %#llx %s", what, handle,
            handle_is_stale(handle) ? "was released already" : "is no handle of memory");
    }
    return memory;
}

/* The memory stays as long as it is mapped anywhere. */
CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
    ENTER(cuMemRelease, INITIALISED);
    struct memory *memory = memory_find(handle, "cuMemRelease");
    if (memory == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    CUresult sticky = devices[memory->device].sticky;
    handle_destroy(handle);
    memory->released = true;
    if (memory->mappings == 0) memory_free(memory);
    return leave(sticky);
}

static void memory_drop(uint64_t handle, void *object, void *argument) {
    (void)argument;
    handle_destroy(handle);
    memory_free(object);
}

void memories_reset(void) { handle_each(HANDLE_MEMORY, memory_drop, NULL); }

/* ---- Mappings ---- */

CUresult cuMemMap(CUdeviceptr pointer, size_t bytes, size_t offset, CUmemGenericAllocationHandle handle,
    unsigned long long flags) {
    ENTER(cuMemMap, INITIALISED);
    if (off()) return leave(CUDA_ERROR_NOT_SUPPORTED);
    struct memory *memory = memory_find(handle, "cuMemMap");
    struct range *area = range_find(&areas, pointer);
    /* The driver wants an offset of 0, as long as it says so. */
    if (memory == NULL || flags != 0 || offset != 0 || !whole_pages(bytes) || bytes > memory->bytes
        || pointer % GRANULARITY != 0 || area == NULL || area->kind != RESERVATION || bytes > area->end - pointer
        || range_overlaps(&mappings, pointer, pointer + bytes)) {
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    if (devices[memory->device].sticky != CUDA_SUCCESS) return leave(devices[memory->device].sticky);
    if (!twin_map(pointer, bytes, file, memory->offset)) return leave(CUDA_ERROR_OUT_OF_MEMORY);
    range_add(&mappings, MAPPING, pointer, bytes, memory->device)->memory = memory;
    memory->mappings++;
    return leave(CUDA_SUCCESS);
}

void mapping_drop(struct range *range) {
    struct memory *memory = range->memory;
    twin_remove(range->start, (size_t)(range->end - range->start));
    range_remove(&mappings, range);
    if (--memory->mappings == 0 && memory->released) memory_free(memory);
}

/* Whether whole mappings, and nothing else, fill a piece of addresses. */
static bool filled_by_mappings(uint64_t start, uint64_t end) {
    for (uint64_t at = start; at < end;) {
        struct range *mapping = range_find(&mappings, at);
        if (mapping == NULL || mapping->closing || mapping->start != at || mapping->end > end) return false;
        at = mapping->end;
    }
    return true;
}

CUresult cuMemUnmap(CUdeviceptr pointer, size_t bytes) {
    ENTER(cuMemUnmap, INITIALISED);
    if (!whole_pages(bytes) || bytes > UINT64_MAX - pointer || !filled_by_mappings(pointer, pointer + bytes)) {
        violation("cuMemUnmap: no whole mappings fill the %zu bytes at %#llx", bytes, pointer);
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    CUresult sticky = CUDA_SUCCESS;
    for (uint64_t at = pointer; at < pointer + bytes;) {
        struct range *mapping = range_find(&mappings, at);
        CUresult result = range_close(mapping, "cuMemUnmap");
        if (result != CUDA_SUCCESS) return leave(result);
        if (sticky == CUDA_SUCCESS) sticky = devices[mapping->device].sticky;
        at = mapping->end;
        range_drop(mapping);
    }
    return leave(sticky);
}

CUresult cuMemSetAccess(CUdeviceptr pointer, size_t bytes, const CUmemAccessDesc *access, size_t count) {
    ENTER(cuMemSetAccess, INITIALISED);
    if (off()) return leave(CUDA_ERROR_NOT_SUPPORTED);
    if (access == NULL || count == 0 || !whole_pages(bytes) || bytes > UINT64_MAX - pointer
        || !filled_by_mappings(pointer, pointer + bytes)) {
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    for (size_t i = 0; i < count; i++) {
        bool known = access[i].flags == 0 || access[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
        if (access[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE || !known) return leave(CUDA_ERROR_INVALID_VALUE);
        int device = access[i].location.id;
        if (!device_exists(device)) return leave(CUDA_ERROR_INVALID_DEVICE);
        if (settings.no_peer && range_find(&mappings, pointer)->device != device) return leave(CUDA_ERROR_INVALID_DEVICE);
        if (devices[device].sticky != CUDA_SUCCESS) return leave(devices[device].sticky);
    }
    for (uint64_t at = pointer; at < pointer + bytes;) {
        struct range *mapping = range_find(&mappings, at);
        for (size_t i = 0; i < count; i++) {
            uint64_t bit = (uint64_t)1 << access[i].location.id;
            mapping->access = access[i].flags == 0 ? mapping->access & ~bit : mapping->access | bit;
        }
        at = mapping->end;
    }
    return leave(CUDA_SUCCESS);
}
