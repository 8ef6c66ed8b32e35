/*
 * The equivalents of pages.cu and attention.cu. Sums of floats run in the same order and are rounded one by one: compile
 * with -ffp-contract=off, and without -ffast-math.
 */
#include "kernel_functions.h"

#include <string.h>

void page_copy(const void *source, void *destination, size_t bytes) {
    memcpy(destination, source, bytes);
}

void page_fill(void *page, size_t bytes, unsigned char value) {
    memset(page, value, bytes);
}

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t page_checksum(const void *page, size_t bytes) {
    uint64_t sum = bytes;
    for (size_t i = 0; 8 * i < bytes; i++) {
        uint64_t word = 0; /* the machine is little-endian, as the formula is */
        memcpy(&word, (const unsigned char *)page + 8 * i, bytes - 8 * i < 8 ? bytes - 8 * i : 8);
        sum += mix(word + (i + 1) * UINT64_C(0x9E3779B97F4A7C15));
    }
    return sum;
}

static const unsigned char *address_of(const struct attention_rows *rows, uint32_t row) {
    return rows->pages[row / rows->size] + (uint64_t)(row % rows->size) * rows->width * (rows->halves ? 2 : 4);
}

static float value_at(const struct attention_rows *rows, const unsigned char *address, uint32_t at) {
    uint32_t bits;
    if (rows->halves) {
        uint16_t half;
        memcpy(&half, address + 2 * (size_t)at, sizeof half);
        bits = (uint32_t)half << 16;
    } else {
        memcpy(&bits, address + 4 * (size_t)at, sizeof bits);
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float dot(const float *query, const struct attention_rows *rows, const unsigned char *address, uint32_t from,
                 uint32_t to, uint32_t at) {
    float sum = 0;
    for (uint32_t i = from; i < to; i++) {
        sum += query[i] * value_at(rows, address, at + i);
    }
    return sum;
}

void attention_scores(const struct attention_rows *rows, const struct attention_queries *of, uint32_t dim, uint32_t split,
                      float scale, const float *queries, float *scores) {
    for (uint64_t query = 0; query < (uint64_t)of->count * of->heads; query++) {
        uint32_t at = (uint32_t)(query % of->heads) / of->group * dim;
        uint32_t length = of->from + (uint32_t)(query / of->heads) + 1;
        for (uint32_t row = 0; row < length; row++) {
            const unsigned char *address = address_of(rows, row);
            float first = dot(queries + query * dim, rows, address, 0, split, at);
            float rest = dot(queries + query * dim, rows, address, split, dim, at);
            scores[query * (of->from + of->count) + row] = (first + rest) * scale;
        }
    }
}

void attention_weigh(const struct attention_rows *rows, const struct attention_queries *of, uint32_t dim, uint32_t distance,
                     const float *weights, float *attended) {
    for (uint64_t query = 0; query < (uint64_t)of->count * of->heads; query++) {
        uint32_t at = (uint32_t)(query % of->heads) / of->group * distance;
        uint32_t length = of->from + (uint32_t)(query / of->heads) + 1;
        for (uint32_t i = 0; i < dim; i++) {
            float sum = 0;
            for (uint32_t row = 0; row < length; row++) {
                sum += value_at(rows, address_of(rows, row), at + i) * weights[query * (of->from + of->count) + row];
            }
            attended[query * dim + i] = sum;
        }
    }
}
