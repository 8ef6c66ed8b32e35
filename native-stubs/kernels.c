/*
 * The C functions that stand for kernels: they take the parameters apart, and kernel_functions.c computes. To add one: write
 * its body and give it a line in the table at the end. The grid does not matter, as it does not to the kernels.
 *
 * A body runs on the stream's thread, without the lock. It reaches memory only through kernel_memory, which says NULL, and
 * makes the launch fail with 700, where a kernel may not go; a body then returns, with whatever code. A parameter is an
 * 8-byte slot: of a narrower one, take the low bytes.
 */
#include "internal.h"
#include "kernel_functions.h"

#include <stdlib.h>
#include <string.h>

/* An array of 8-byte words, as the kernels take them; NULL where it may not be read. */
static const uint64_t *words(struct launch *launch, uint64_t address, uint64_t count) {
    if (address % sizeof(uint64_t) != 0) {
        launch->result = CUDA_ERROR_MISALIGNED_ADDRESS;
        return NULL;
    }
    return kernel_memory(launch, address, count * sizeof(uint64_t), false);
}

/* (const unsigned long long *pairs, unsigned int pages, unsigned long long bytes) */
static CUresult copy_pages(struct launch *launch) {
    uint64_t pages = (uint32_t)launch->parameters[1], bytes = launch->parameters[2];
    if (pages == 0 || bytes == 0) return CUDA_SUCCESS;
    const uint64_t *pairs = words(launch, launch->parameters[0], 2 * pages);
    for (uint64_t i = 0; pairs != NULL && i < pages; i++) {
        const void *from = kernel_memory(launch, pairs[2 * i], bytes, false);
        void *to = kernel_memory(launch, pairs[2 * i + 1], bytes, true);
        if (from == NULL || to == NULL) break;
        page_copy(from, to, bytes);
    }
    return CUDA_SUCCESS;
}

/* (const unsigned long long *pages, unsigned int count, unsigned long long bytes, unsigned int value) */
static CUresult fill_pages(struct launch *launch) {
    uint64_t count = (uint32_t)launch->parameters[1], bytes = launch->parameters[2];
    if (count == 0 || bytes == 0) return CUDA_SUCCESS;
    const uint64_t *pages = words(launch, launch->parameters[0], count);
    for (uint64_t i = 0; pages != NULL && i < count; i++) {
        void *to = kernel_memory(launch, pages[i], bytes, true);
        if (to == NULL) break;
        page_fill(to, bytes, (unsigned char)launch->parameters[3]);
    }
    return CUDA_SUCCESS;
}

/* (const unsigned long long *pages, unsigned int count, unsigned long long bytes, unsigned long long *sums) */
static CUresult checksum_pages(struct launch *launch) {
    uint64_t count = (uint32_t)launch->parameters[1], bytes = launch->parameters[2];
    if (count == 0) return CUDA_SUCCESS;
    const uint64_t *pages = words(launch, launch->parameters[0], count);
    uint64_t *sums = pages == NULL ? NULL : kernel_memory(launch, launch->parameters[3], count * sizeof *sums, true);
    for (uint64_t i = 0; sums != NULL && i < count; i++) {
        const void *page = bytes == 0 ? sums : kernel_memory(launch, pages[i], bytes, false);
        if (page == NULL) break;
        sums[i] += page_checksum(page, bytes);
    }
    return CUDA_SUCCESS;
}

/* The parameters that both kernels of attention begin with; their own follow. */
enum { PAGES, STRIDE, OFFSET, TABLE, PAGE_SIZE, WIDTH, HALVES, HEADS, GROUP, FROM, COUNT, OWN };

/* Values of 4 bytes that a kernel takes or gives; NULL where it may not. */
static void *values(struct launch *launch, uint64_t address, uint64_t count, bool write) {
    if (address % sizeof(float) != 0) {
        launch->result = CUDA_ERROR_MISALIGNED_ADDRESS;
        return NULL;
    }
    return kernel_memory(launch, address, count * sizeof(float), write);
}

/* Finds the first row of each page of a sequence; NULL where it may not be read. The caller frees the array. */
static const unsigned char **find_rows(struct launch *launch, uint32_t length) {
    const uint64_t *given = launch->parameters;
    uint64_t size = (uint32_t)given[PAGE_SIZE], bytes = (uint32_t)given[WIDTH] * ((uint32_t)given[HALVES] ? 2ull : 4ull);
    uint64_t count = (length + size - 1) / size;
    const int32_t *table = values(launch, given[TABLE], count, false);
    const unsigned char **pages = table == NULL ? NULL : calloc(count, sizeof *pages);
    for (uint64_t i = 0; pages != NULL && i < count; i++) {
        uint64_t rows = length - i * size < size ? length - i * size : size;
        uint64_t address = given[PAGES] + table[i] * given[STRIDE] + given[OFFSET];
        pages[i] = kernel_memory(launch, address, rows * bytes, false);
        if (pages[i] == NULL) {
            free(pages);
            return NULL;
        }
    }
    return pages;
}

static struct attention_rows rows_of(const struct launch *launch, const unsigned char **pages) {
    const uint64_t *given = launch->parameters;
    return (struct attention_rows){
        .pages = pages,
        .size = (uint32_t)given[PAGE_SIZE],
        .width = (uint32_t)given[WIDTH],
        .halves = (uint32_t)given[HALVES],
    };
}

static struct attention_queries queries_of(const struct launch *launch) {
    const uint64_t *given = launch->parameters;
    return (struct attention_queries){
        .heads = (uint32_t)given[HEADS],
        .group = (uint32_t)given[GROUP],
        .from = (uint32_t)given[FROM],
        .count = (uint32_t)given[COUNT],
    };
}

/* (..., unsigned int dim, unsigned int split, float scale, const float *queries, float *scores) */
static CUresult attention_scores_of(struct launch *launch) {
    const uint64_t *own = launch->parameters + OWN;
    struct attention_queries of = queries_of(launch);
    uint64_t all = (uint64_t)of.count * of.heads;
    uint32_t dim = (uint32_t)own[0], length = of.from + of.count, bits = (uint32_t)own[2];
    if (all == 0) return CUDA_SUCCESS;
    const float *queries = values(launch, own[3], all * dim, false);
    float *scores = queries == NULL ? NULL : values(launch, own[4], all * length, true);
    const unsigned char **pages = scores == NULL ? NULL : find_rows(launch, length);
    if (pages != NULL) {
        struct attention_rows rows = rows_of(launch, pages);
        float scale;
        memcpy(&scale, &bits, sizeof scale);
        attention_scores(&rows, &of, dim, (uint32_t)own[1], scale, queries, scores);
    }
    free(pages);
    return CUDA_SUCCESS;
}

/* (..., unsigned int dim, unsigned int distance, const float *weights, float *attended) */
static CUresult attention_weigh_of(struct launch *launch) {
    const uint64_t *own = launch->parameters + OWN;
    struct attention_queries of = queries_of(launch);
    uint64_t all = (uint64_t)of.count * of.heads;
    uint32_t dim = (uint32_t)own[0], length = of.from + of.count;
    if (all == 0) return CUDA_SUCCESS;
    const float *weights = values(launch, own[2], all * length, false);
    float *attended = weights == NULL ? NULL : values(launch, own[3], all * dim, true);
    const unsigned char **pages = attended == NULL ? NULL : find_rows(launch, length);
    if (pages != NULL) {
        struct attention_rows rows = rows_of(launch, pages);
        attention_weigh(&rows, &of, dim, (uint32_t)own[1], weights, attended);
    }
    free(pages);
    return CUDA_SUCCESS;
}

/* Name, number of parameters (at most 16), body. */
static const struct kernel kernels[] = {
    {"kvflux_copy_pages", 3, copy_pages},
    {"kvflux_fill_pages", 4, fill_pages},
    {"kvflux_checksum_pages", 4, checksum_pages},
    {"kvflux_attention_scores", OWN + 5, attention_scores_of},
    {"kvflux_attention_weigh", OWN + 4, attention_weigh_of},
};

const struct kernel *kernel_named(const char *name) {
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        if (strcmp(kernels[i].name, name) == 0) return &kernels[i];
    }
    return NULL;
}
