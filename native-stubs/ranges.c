/*
 * Addresses: which are whose, and where the bytes behind a device address are.
 *
 * There are two windows of the same size. Callers get addresses in the first, which nobody can read or write, as with the
 * memory of a real device; the bytes lie at the same place of the second.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGEST_WINDOW ((size_t)16 << 40)
#define SMALLEST_WINDOW ((size_t)16 << 30)
#define GAP ((size_t)1 << 20) /* between neighbours, so that no overrun ends in another allocation */
#define REMEMBERED 1024

struct ranges areas, mappings, hosts;

static uint64_t window, window_end, cursor;
static uint64_t twin_delta;
static struct {
    uint64_t start, end;
} freed[REMEMBERED];
static unsigned freed_next;

static void *reserve(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

bool window_open(void) {
    for (size_t bytes = LARGEST_WINDOW; window == 0 && bytes >= SMALLEST_WINDOW; bytes /= 2) {
        char *callers = reserve(bytes);
        char *twin = callers == NULL ? NULL : reserve(bytes);
        if (twin == NULL) {
            if (callers != NULL) munmap(callers, bytes);
            continue;
        }
        window = (uint64_t)callers;
        window_end = window + bytes;
        twin_delta = (uint64_t)twin - window;
        cursor = window;
    }
    return window != 0;
}

bool is_device_address(uint64_t address) { return address >= window && address < window_end; }

char *twin_of(uint64_t address) { return (char *)(address + twin_delta); }

static uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

/* New addresses are used as long as there are any, so that an old one stays wrong for long. */
uint64_t place(size_t bytes, size_t alignment, uint64_t wish) {
    if (wish != 0 && wish % alignment == 0 && wish >= window && bytes <= window_end - window && wish <= window_end - bytes
        && !range_overlaps(&areas, wish, wish + bytes)) {
        return wish;
    }
    if (bytes > window_end - window) return 0;
    for (int round = 0; round < 2; round++) {
        uint64_t start = round_up(cursor + GAP, alignment);
        while (start <= window_end - bytes - GAP && range_overlaps(&areas, start - GAP, start + bytes + GAP)) {
            start = round_up(start + GAP, alignment);
        }
        if (start <= window_end - bytes - GAP) {
            cursor = start + bytes;
            return start;
        }
        cursor = window;
    }
    return 0;
}

bool twin_commit(uint64_t start, size_t bytes) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    return mmap(twin_of(start), bytes, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
}

bool twin_map(uint64_t start, size_t bytes, int file, int64_t offset) {
    return mmap(twin_of(start), bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, offset) != MAP_FAILED;
}

void twin_remove(uint64_t start, size_t bytes) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (mmap(twin_of(start), bytes, PROT_NONE, flags, -1, 0) == MAP_FAILED) abort();
}

/* ---- Sorted lists of ranges ---- */

/* The index of the first range that ends after an address. */
static size_t first_ending_after(const struct ranges *in, uint64_t address) {
    size_t low = 0, high = in->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (in->items[middle]->end > address) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

struct range *range_find(const struct ranges *in, uint64_t address) {
    size_t index = first_ending_after(in, address);
    return index < in->count && in->items[index]->start <= address ? in->items[index] : NULL;
}

bool range_overlaps(const struct ranges *in, uint64_t start, uint64_t end) {
    size_t index = first_ending_after(in, start);
    return index < in->count && in->items[index]->start < end;
}

struct range *range_add(struct ranges *to, enum range_kind kind, uint64_t start, size_t bytes, int device) {
    if (to->count == to->capacity) {
        to->capacity = to->capacity == 0 ? 64 : 2 * to->capacity;
        to->items = realloc(to->items, to->capacity * sizeof *to->items);
        if (to->items == NULL) abort();
    }
    struct range *range = calloc(1, sizeof *range);
    if (range == NULL) abort();
    *range = (struct range){.kind = kind, .start = start, .end = start + bytes, .device = device};
    size_t index = first_ending_after(to, start);
    memmove(to->items + index + 1, to->items + index, (to->count - index) * sizeof *to->items);
    to->items[index] = range;
    to->count++;
    return range;
}

void range_remove(struct ranges *from, struct range *range) {
    size_t index = first_ending_after(from, range->start);
    if (index == from->count || from->items[index] != range) abort();
    from->count--;
    memmove(from->items + index, from->items + index + 1, (from->count - index) * sizeof *from->items);
    freed[freed_next].start = range->start;
    freed[freed_next].end = range->end;
    freed_next = (freed_next + 1) % REMEMBERED;
    free(range);
}

long long range_count(const struct ranges *in, enum range_kind kind) {
    long long count = 0;
    for (size_t i = 0; i < in->count; i++) count += in->items[i]->kind == kind && !in->items[i]->closing;
    return count;
}

const char *why_absent(uint64_t address) {
    for (size_t i = 0; i < REMEMBERED; i++) {
        if (address >= freed[i].start && address < freed[i].end) return "was freed already";
    }
    return is_device_address(address) ? "is in no allocation" : "is in no registered memory";
}

/* ---- The end of a range ---- */

CUresult range_close(struct range *range, const char *what) {
    if (range->users > 0) streams_end_last_work();
    if (range->users > 0) {
        violation("%s: %d operations that have not ended use the memory at %#llx", what, range->users,
            (unsigned long long)range->start);
        if (settings.strict) return CUDA_ERROR_INVALID_VALUE;
    }
    range->closing = true;
    while (range->users > 0) wait_for_change();
    return CUDA_SUCCESS;
}

void range_drop(struct range *range) {
    size_t bytes = (size_t)(range->end - range->start);
    switch (range->kind) {
        case ALLOCATION: {
            uint64_t page = range->start & ~(uint64_t)4095;
            twin_remove(page, round_up(range->end, 4096) - page);
            devices[range->device].used -= bytes;
            range_remove(&areas, range);
            break;
        }
        case RESERVATION: range_remove(&areas, range); break;
        case MAPPING: mapping_drop(range); break;
        case HOST_ALLOCATION: munmap((void *)range->start, round_up(bytes, 4096)); /* fall through */
        case HOST_REGISTRATION: range_remove(&hosts, range); break;
    }
}

static bool goes_with(const struct range *range, int device) {
    return range->device == device && range->kind != RESERVATION && range->kind != MAPPING;
}

long long ranges_of(int device) {
    long long count = 0;
    for (size_t i = 0; i < areas.count; i++) count += goes_with(areas.items[i], device);
    for (size_t i = 0; i < hosts.count; i++) count += goes_with(hosts.items[i], device);
    return count;
}

static void drop_of(struct ranges *in, int device) {
    for (size_t i = in->count; i-- > 0;) {
        struct range *range = in->items[i];
        /* What is closing already goes with who closes it. */
        if (!goes_with(range, device) || range->closing) continue;
        range->closing = true;
        if (range->users > 0) {
            range->goes_when_idle = true;
        } else {
            range_drop(range);
        }
    }
}

void ranges_drop_of(int device) {
    drop_of(&areas, device);
    drop_of(&hosts, device);
}

void ranges_reset(void) {
    while (mappings.count > 0) range_drop(mappings.items[mappings.count - 1]);
    while (areas.count > 0) range_drop(areas.items[areas.count - 1]);
    while (hosts.count > 0) range_drop(hosts.items[hosts.count - 1]);
    memset(freed, 0, sizeof freed);
}

/* ---- Memory for operations ---- */

static CUresult refuse(uint64_t address, size_t bytes, const char *why) {
    violation("%s: the memory at %#llx, %zu bytes, %s", function_name(thread_state()->function),
        (unsigned long long)address, bytes, why);
    return CUDA_ERROR_INVALID_VALUE;
}

static CUresult span_of_mappings(struct operation *operation, uint64_t address, size_t bytes) {
    uint64_t end = address + bytes;
    for (uint64_t at = address; at < end;) {
        struct range *mapping = range_find(&mappings, at);
        if (mapping == NULL || mapping->closing) return refuse(at, (size_t)(end - at), "is reserved and not mapped");
        if (devices[mapping->device].sticky != CUDA_SUCCESS) return devices[mapping->device].sticky;
        if (mapping->access == 0) {
            refuse(at, (size_t)(end - at), "is mapped, and no device was given access");
            operation->fault = CUDA_ERROR_ILLEGAL_ADDRESS;
        }
        operation_use(operation, mapping);
        at = mapping->end;
    }
    return CUDA_SUCCESS;
}

static CUresult span_of_device(struct operation *operation, uint64_t address, size_t bytes) {
    struct range *area = range_find(&areas, address);
    if (area == NULL || area->closing) {
        return refuse(address, bytes, area == NULL ? why_absent(address) : "was freed already");
    }
    if (bytes > area->end - address) return refuse(address, bytes, "reaches beyond its allocation");
    if (area->kind == RESERVATION) return span_of_mappings(operation, address, bytes);
    operation_use(operation, area);
    return devices[area->device].sticky;
}

CUresult span(struct operation *operation, uint64_t address, size_t bytes, char **accessible, bool *pageable) {
    *pageable = false;
    if (address == 0 || bytes > UINT64_MAX - address) return refuse(address, bytes, "is no memory");
    if (is_device_address(address)) {
        *accessible = twin_of(address);
        return span_of_device(operation, address, bytes);
    }
    *accessible = (char *)address;
    struct range *range = range_find(&hosts, address);
    if (range != NULL && !range->closing && bytes <= range->end - address) {
        operation_use(operation, range);
        return CUDA_SUCCESS;
    }
    if (range_overlaps(&hosts, address, address + bytes)) {
        return refuse(address, bytes, "is registered in part");
    }
    if (settings.strict) return refuse(address, bytes, why_absent(address));
    *pageable = true;
    return CUDA_SUCCESS;
}

static bool kernel_may(const struct launch *launch, const struct range *area, uint64_t address, size_t bytes) {
    if (area == NULL || area->closing || bytes > area->end - address) return false;
    if (area->kind == RESERVATION) {
        for (uint64_t at = address; at < address + bytes;) {
            struct range *mapping = range_find(&mappings, at);
            if (mapping == NULL || mapping->closing || !(mapping->access >> launch->device & 1)) return false;
            operation_use(launch->operation, mapping);
            at = mapping->end;
        }
        return true;
    }
    if (area->kind == ALLOCATION && area->device != launch->device
        && !(devices[launch->device].peers >> area->device & 1)) {
        return false;
    }
    operation_use(launch->operation, (struct range *)area);
    return true;
}

void *kernel_memory(struct launch *launch, uint64_t address, size_t bytes, bool write) {
    bool on_device = is_device_address(address);
    lock();
    bool may = bytes <= UINT64_MAX - address
        && kernel_may(launch, range_find(on_device ? &areas : &hosts, address), address, bytes);
    if (!may) {
        violation("A kernel on device %d %s %zu bytes at %#llx, where it may not", launch->device,
            write ? "writes" : "reads", bytes, (unsigned long long)address);
        launch->result = CUDA_ERROR_ILLEGAL_ADDRESS;
    } else if (!on_device) {
        *(write ? &launch->operation->bytes_to_host : &launch->operation->bytes_to_device) += bytes;
    }
    unlock();
    return !may ? NULL : on_device ? (void *)twin_of(address) : (void *)address;
}
