/*
 * Work on many pages in one launch. pages.ptx is made of it by native-stubs/ptx; to build or to run KvFlux no CUDA
 * compiler is needed.
 *
 * A page is named by its address: in device memory, or in host memory that is pinned and mapped, on either side of a copy.
 * It may begin at any address and have any length; where 16 bytes can be moved at a time they are.
 *
 * Launch: a page is a column of the grid and a piece of a page a row, so gridDim.x = pages and gridDim.y = pieces is the
 * widest launch that is of use: 256 threads move 16 KiB before they come round. A smaller grid does the same work with
 * fewer multiprocessors. Blocks have a multiple of 32 threads. Pages that are written must not overlap with any other page
 * of the launch.
 */

typedef unsigned long long u64;
typedef unsigned char Byte;

/* What a thread loads before it stores anything, so that its loads wait for memory together. */
#define AHEAD 4

/* __ldcs and __stcs leave the caches to the model, as far as they can: what is moved is not used again by who moves it. */
template <typename Unit>
__device__ void copy(const Unit *source, Unit *destination, u64 units, u64 thread, u64 threads)
{
    u64 i = thread;
    for (; i + (AHEAD - 1) * threads < units; i += AHEAD * threads) {
        Unit held[AHEAD];
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            held[j] = __ldcs(source + i + j * threads);
        }
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            __stcs(destination + i + j * threads, held[j]);
        }
    }
    for (; i < units; i += threads) {
        __stcs(destination + i, __ldcs(source + i));
    }
}

template <typename Unit>
__device__ void copyBytes(u64 source, u64 destination, u64 bytes, u64 thread, u64 threads)
{
    u64 whole = bytes / sizeof(Unit) * sizeof(Unit);
    copy((const Unit *)source, (Unit *)destination, bytes / sizeof(Unit), thread, threads);
    copy((const Byte *)(source + whole), (Byte *)(destination + whole), bytes - whole, thread, threads);
}

template <typename Unit>
__device__ void fillBytes(u64 page, u64 bytes, Byte value, Unit units, u64 thread, u64 threads)
{
    for (u64 i = thread; i < bytes / sizeof(Unit); i += threads) {
        __stcs((Unit *)page + i, units);
    }
    for (u64 i = bytes / sizeof(Unit) * sizeof(Unit) + thread; i < bytes; i += threads) {
        __stcs((Byte *)page + i, value);
    }
}

/* Turns 64 bits into 64 bits, one to one, so that each depends on all: the finaliser of SplitMix64. */
__device__ u64 mix(u64 x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

/* What word number i of a page adds to its checksum. */
__device__ u64 term(u64 word, u64 i)
{
    return mix(word + (i + 1) * 0x9E3779B97F4A7C15ull);
}

/* A word that stands anywhere, or ends with the page. */
__device__ u64 wordAt(u64 page, u64 bytes, u64 i)
{
    u64 word = 0;
    for (u64 j = 0; j < 8 && 8 * i + j < bytes; j++) {
        word |= (u64)__ldcs((const Byte *)page + 8 * i + j) << 8 * j;
    }
    return word;
}

__device__ u64 sumOf(u64 page, u64 bytes, u64 thread, u64 threads)
{
    u64 sum = 0;
    u64 pairs = page % 16 == 0 ? bytes / 16 : 0;
    for (u64 i = thread; i < pairs; i += threads) {
        ulonglong2 words = __ldcs((const ulonglong2 *)page + i);
        sum += term(words.x, 2 * i) + term(words.y, 2 * i + 1);
    }
    for (u64 i = 2 * pairs + thread; i < (bytes + 7) / 8; i += threads) {
        sum += term(wordAt(page, bytes, i), i);
    }
    return sum;
}

__device__ u64 threadInPage()
{
    return (u64)blockIdx.y * blockDim.x + threadIdx.x;
}

__device__ u64 threadsOfPage()
{
    return (u64)gridDim.y * blockDim.x;
}

/*
 * Copies pages: gather, scatter and copy-on-write are one kernel.
 *
 * pairs: of page i the source at 2i and the destination at 2i + 1
 * bytes: of a page
 */
extern "C" __global__ void kvflux_copy_pages(const u64 *pairs, unsigned int pages, u64 bytes)
{
    for (u64 page = blockIdx.x; page < pages; page += gridDim.x) {
        u64 source = pairs[2 * page];
        u64 destination = pairs[2 * page + 1];
        if ((source | destination) % 16 == 0) {
            copyBytes<uint4>(source, destination, bytes, threadInPage(), threadsOfPage());
        } else if ((source | destination) % 4 == 0) {
            copyBytes<unsigned int>(source, destination, bytes, threadInPage(), threadsOfPage());
        } else {
            copyBytes<Byte>(source, destination, bytes, threadInPage(), threadsOfPage());
        }
    }
}

/* Makes every byte of pages the low byte of a value. */
extern "C" __global__ void kvflux_fill_pages(const u64 *pages, unsigned int count, u64 bytes, unsigned int value)
{
    Byte one = (Byte)value;
    unsigned int four = one * 0x01010101u;
    for (u64 page = blockIdx.x; page < count; page += gridDim.x) {
        u64 address = pages[page];
        if (address % 16 == 0) {
            fillBytes(address, bytes, one, make_uint4(four, four, four, four), threadInPage(), threadsOfPage());
        } else if (address % 4 == 0) {
            fillBytes(address, bytes, one, four, threadInPage(), threadsOfPage());
        } else {
            fillBytes(address, bytes, one, one, threadInPage(), threadsOfPage());
        }
    }
}

/*
 * Adds to sums[i], which the caller has set to 0, the checksum of page i:
 *
 *   checksum = bytes + sum over i of mix(word i + (i + 1) * 0x9E3779B97F4A7C15)      modulo 2^64
 *
 * where word i is bytes 8i to 8i + 7 in little-endian order, those beyond the end of the page 0, and mix is above.
 * Integers are added, so the order and the grid do not matter; the number of a word is mixed in, so the order of the words
 * does. PageChecksum.java computes the same.
 */
extern "C" __global__ void kvflux_checksum_pages(const u64 *pages, unsigned int count, u64 bytes, u64 *sums)
{
    for (u64 page = blockIdx.x; page < count; page += gridDim.x) {
        u64 sum = sumOf(pages[page], bytes, threadInPage(), threadsOfPage());
        sum += threadInPage() == 0 ? bytes : 0;
        for (int distance = 16; distance > 0; distance /= 2) {
            sum += __shfl_down_sync(0xFFFFFFFFu, sum, distance);
        }
        if (threadIdx.x % 32 == 0) {
            atomicAdd(&sums[page], sum);
        }
    }
}
