/*
 * The C functions that stand for kernels. To add one: write its body and give it a line in the table at the end.
 *
 * A body runs on the stream's thread, without the lock. It reaches memory only through kernel_memory, which says NULL, and
 * makes the launch fail with 700, where a kernel may not go; a body then returns, with whatever code. A parameter is an
 * 8-byte slot: of a narrower one, take the low bytes.
 */
#include "internal.h"

#include <string.h>

/* An array of 8-byte words, as the kernels take them; NULL where it may not be read. */
static const uint64_t *words(struct launch *launch, uint64_t address, uint64_t count) {
    if (address % sizeof(uint64_t) != 0) {
        launch->result = CUDA_ERROR_MISALIGNED_ADDRESS;
        return NULL;
    }
    return kernel_memory(launch, address, count * sizeof(uint64_t), false);
}

/* One page a column of the grid, as on the device: pages beyond the grid are left out. */
static uint64_t pages_of(const struct launch *launch, uint64_t parameter) {
    uint32_t pages = (uint32_t)parameter;
    return pages < launch->grid[0] ? pages : launch->grid[0];
}

/* (const unsigned long long *pairs, unsigned int pages, unsigned long long bytes) */
static CUresult copy_pages(struct launch *launch) {
    uint64_t pages = pages_of(launch, launch->parameters[1]), bytes = launch->parameters[2];
    if (pages == 0 || bytes == 0) return CUDA_SUCCESS;
    const uint64_t *pairs = words(launch, launch->parameters[0], 2 * pages);
    for (uint64_t i = 0; pairs != NULL && i < pages; i++) {
        const void *from = kernel_memory(launch, pairs[2 * i], bytes, false);
        void *to = kernel_memory(launch, pairs[2 * i + 1], bytes, true);
        if (from == NULL || to == NULL) break;
        memmove(to, from, bytes);
    }
    return CUDA_SUCCESS;
}

/* (const unsigned long long *pages, unsigned int count, unsigned long long bytes, unsigned int value) */
static CUresult fill_pages(struct launch *launch) {
    uint64_t count = pages_of(launch, launch->parameters[1]), bytes = launch->parameters[2];
    if (count == 0 || bytes == 0) return CUDA_SUCCESS;
    const uint64_t *pages = words(launch, launch->parameters[0], count);
    for (uint64_t i = 0; pages != NULL && i < count; i++) {
        void *to = kernel_memory(launch, pages[i], bytes, true);
        if (to == NULL) break;
        memset(to, (unsigned char)launch->parameters[3], bytes);
    }
    return CUDA_SUCCESS;
}

/* Name, number of parameters (at most 16), body. */
static const struct kernel kernels[] = {
    {"kvflux_copy_pages", 3, copy_pages},
    {"kvflux_fill_pages", 4, fill_pages},
};

const struct kernel *kernel_named(const char *name) {
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        if (strcmp(kernels[i].name, name) == 0) return &kernels[i];
    }
    return NULL;
}
