/*
 * What a .cu file needs to be compiled for the processor, as C++: its kernels then run over memory of the processor, a
 * thread at a time. Before each call the caller says which thread of which grid it is.
 *
 * Lanes of a warp do not run together here. So a block has one thread where lanes exchange values, and gets none.
 */
#include <cstring>

#define __global__
#define __device__ static

struct uint3 {
    unsigned x, y, z;
};
struct uint4 {
    unsigned x, y, z, w;
};
struct ulonglong2 {
    unsigned long long x, y;
};

static uint3 gridDim, blockDim, blockIdx, threadIdx;

extern "C" void be_thread(unsigned columns, unsigned rows, unsigned threads, unsigned column, unsigned row, unsigned thread)
{
    gridDim = {columns, rows, 1};
    blockDim = {threads, 1, 1};
    blockIdx = {column, row, 0};
    threadIdx = {thread, 0, 0};
}

static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return {x, y, z, w};
}

/* On the device an access that is not aligned fails. */
template <typename Unit>
static const Unit *aligned(const Unit *address)
{
    if ((unsigned long long)address % sizeof(Unit) != 0) {
        __builtin_trap();
    }
    return address;
}

template <typename Unit>
static Unit __ldcs(const Unit *from)
{
    return *aligned(from);
}

template <typename Unit>
static void __stcs(Unit *to, Unit value)
{
    *const_cast<Unit *>(aligned(to)) = value;
}

static inline unsigned long long __shfl_down_sync(unsigned, unsigned long long, int)
{
    if (blockDim.x != 1) {
        __builtin_trap();
    }
    return 0;
}

static inline void atomicAdd(unsigned long long *to, unsigned long long value)
{
    *to += value;
}

static inline float __uint_as_float(unsigned bits)
{
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float __fadd_rn(float a, float b)
{
    return a + b;
}

static inline float __fmul_rn(float a, float b)
{
    return a * b;
}
