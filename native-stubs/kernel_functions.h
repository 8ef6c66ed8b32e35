/* What the device kernels do, as plain functions of the processor, over addresses that it can reach. */
#ifndef KVFLUX_KERNEL_FUNCTIONS_H
#define KVFLUX_KERNEL_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

void page_copy(const void *source, void *destination, size_t bytes);
void page_fill(void *page, size_t bytes, unsigned char value);
uint64_t page_checksum(const void *page, size_t bytes);

/* The rows of a sequence in one part of one layer. */
struct attention_rows {
    const unsigned char *const *pages; /* of each page of the sequence, where its first row begins */
    uint32_t size;                     /* rows in a page */
    uint32_t width;                    /* values of a row */
    uint32_t halves;                   /* 1 for BFLOAT16, 0 for FLOAT32 */
};

/* Whose queries attend: tokens [from, from + count), each with all heads; group of them share one of the rows' heads. */
struct attention_queries {
    uint32_t heads;
    uint32_t group;
    uint32_t from;
    uint32_t count;
};

void attention_scores(const struct attention_rows *rows, const struct attention_queries *of, uint32_t dim, uint32_t split,
                      float scale, const float *queries, float *scores);
void attention_weigh(const struct attention_rows *rows, const struct attention_queries *of, uint32_t dim, uint32_t distance,
                     const float *weights, float *attended);

#endif
