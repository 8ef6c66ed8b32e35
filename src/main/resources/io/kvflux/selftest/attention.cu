/*
 * Attention of the self-test's reference model, over pages that are in device memory. attention.ptx is made of it by
 * native-stubs/ptx; to build or to run KvFlux no CUDA compiler is needed.
 *
 * The output must be that of RowAttention.java bit by bit. So a sum runs in one thread, from the first on, and each product
 * and each sum is rounded by itself: no fused multiply-add, whatever flags this is compiled with. The softmax between the
 * two kernels is the processor's, whose exponential is StrictMath's.
 *
 * A row is what one token has in one layer, of keys or of values: the heads of keys or values one after another. Row p is in
 * page table[p / pageSize], at slot p % pageSize.
 */

typedef unsigned long long u64;

/* Of one part of one layer, the rows of a sequence. */
struct Rows {
    u64 pages;          /* address of page 0 */
    u64 stride;         /* bytes from page to page */
    u64 offset;         /* bytes from the begin of a page to the first row */
    const int *table;   /* blocks of the sequence */
    unsigned int size;  /* rows in a page */
    unsigned int width; /* values of a row */
    unsigned int halves; /* 1 for BFLOAT16, which is the upper half of a FLOAT32; 0 for FLOAT32 */
};

__device__ u64 addressOf(const Rows &rows, unsigned int row)
{
    u64 page = rows.pages + (u64)rows.table[row / rows.size] * rows.stride;
    u64 values = (u64)(row % rows.size) * rows.width;
    return page + rows.offset + values * (rows.halves ? 2 : 4);
}

__device__ float valueAt(const Rows &rows, u64 address, unsigned int at)
{
    return rows.halves ? __uint_as_float((unsigned int)((const unsigned short *)address)[at] << 16)
                       : ((const float *)address)[at];
}

__device__ float dot(const float *query, const Rows &rows, u64 address, unsigned int from, unsigned int to, unsigned int at)
{
    float sum = 0;
#pragma unroll 1
    for (unsigned int i = from; i < to; i++) {
        sum = __fadd_rn(sum, __fmul_rn(query[i], valueAt(rows, address, at + i)));
    }
    return sum;
}

/*
 * Scores of queries against the keys of all positions up to their own: a thread takes a position, a row of the grid a query.
 * Query number i * heads + h, of head h of the token at position from + i, has its scores from (i * heads + h) * (from +
 * count) on; those beyond its position are left as they are.
 *
 * group: query heads that share a head of keys
 * dim: values of a query, and of a head of keys
 * split: values that are summed by themselves, before the sum of the rest is added; dim if there is one sum
 */
extern "C" __global__ void kvflux_attention_scores(
    u64 pages, u64 stride, u64 offset, const int *table, unsigned int pageSize, unsigned int width, unsigned int halves,
    unsigned int heads, unsigned int group, unsigned int from, unsigned int count,
    unsigned int dim, unsigned int split, float scale, const float *queries, float *scores)
{
    Rows rows = {pages, stride, offset, table, pageSize, width, halves};
    for (u64 query = blockIdx.y; query < (u64)count * heads; query += gridDim.y) {
        unsigned int at = (unsigned int)(query % heads) / group * dim;
        unsigned int length = from + (unsigned int)(query / heads) + 1;
        for (u64 row = (u64)blockIdx.x * blockDim.x + threadIdx.x; row < length; row += (u64)gridDim.x * blockDim.x) {
            u64 address = addressOf(rows, (unsigned int)row);
            float first = dot(queries + query * dim, rows, address, 0, split, at);
            float rest = dot(queries + query * dim, rows, address, split, dim, at);
            scores[query * (from + count) + row] = __fmul_rn(__fadd_rn(first, rest), scale);
        }
    }
}

/*
 * What queries attend to: the sum of the values of all positions up to their own, each times its weight. A thread takes one
 * of the dim sums, a row of the grid a query; weights are where the scores were, sums from query * dim on.
 *
 * group: query heads that share a head of values
 * dim: values that are summed
 * distance: values from one head to the next
 */
extern "C" __global__ void kvflux_attention_weigh(
    u64 pages, u64 stride, u64 offset, const int *table, unsigned int pageSize, unsigned int width, unsigned int halves,
    unsigned int heads, unsigned int group, unsigned int from, unsigned int count,
    unsigned int dim, unsigned int distance, const float *weights, float *attended)
{
    Rows rows = {pages, stride, offset, table, pageSize, width, halves};
    for (u64 query = blockIdx.y; query < (u64)count * heads; query += gridDim.y) {
        unsigned int at = (unsigned int)(query % heads) / group * distance;
        unsigned int length = from + (unsigned int)(query / heads) + 1;
        const float *own = weights + query * (from + count);
        for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < dim; i += (u64)gridDim.x * blockDim.x) {
            float sum = 0;
#pragma unroll 1
            for (unsigned int row = 0; row < length; row++) {
                float value = valueAt(rows, addressOf(rows, row), at + (unsigned int)i);
                sum = __fadd_rn(sum, __fmul_rn(value, own[row]));
            }
            attended[query * dim + i] = sum;
        }
    }
}
