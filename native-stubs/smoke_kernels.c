/*
 * Kernels: that parameters and addresses are taken apart as the PTX text has them. What the kernels compute is held against
 * Java (PageKernelsTest, AttentionKernelsTest).
 */
#include "smoke.h"

#define PTX ".version 6.4 .entry kvflux_checksum_pages( .entry kvflux_attention_scores( .entry kvflux_attention_weigh("

static CUresult run(const char *name, void **parameters) {
    CUmodule module;
    CUfunction function;
    OK(cuModuleLoadData(&module, PTX));
    OK(cuModuleGetFunction(&function, module, name));
    OK(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, parameters, NULL));
    CUresult result = cuStreamSynchronize(stream);
    IS(result, cuModuleUnload(module));
    return result;
}

static void sums_up_pages(void) {
    begin("strict");
    uint64_t *host = pinned(64);
    CUdeviceptr pages = device(128);
    host[0] = pages, host[1] = pages + 64, host[2] = 0, host[3] = 1;
    OK(cuMemsetD8Async(pages, 0, 128, stream));
    uint64_t table = (uint64_t)host, count = 2, bytes = 8, sums = (uint64_t)(host + 2);
    OK(run("kvflux_checksum_pages", (void *[]){&table, &count, &bytes, &sums}));
    IS(8 + UINT64_C(0xE220A8397B1DCDAF), host[2]);
    IS(host[2] + 1, host[3]); /* a kernel adds */
    OK(cuMemFree_v2(pages));
    OK(cuMemFreeHost(host));
    end();
}

/* Two heads of two tokens, after one that is there, over pages of two rows in layer 1; row p is (p + 1, 1). */
static void attends_to_pages(void) {
    begin("strict");
    float *host = pinned(1024);
    CUdeviceptr pages = device(256);
    int32_t *blocks = (int32_t *)host + 128;
    blocks[0] = 3, blocks[1] = 1;
    memcpy(host, (float[]){1, 1, 2, 1}, 16);
    memcpy(host + 4, (float[]){3, 1}, 8);
    OK(cuMemcpyHtoDAsync_v2(pages + 3 * 64 + 16, host, 16, stream));
    OK(cuMemcpyHtoDAsync_v2(pages + 1 * 64 + 16, host + 4, 8, stream));
    memcpy(host + 16, (float[]){1, 0, 1, 1, 1, 0, 1, 1}, 32); /* queries: (1, head) */
    for (int i = 0; i < 12; i++) {
        host[32 + i] = -1;
    }
    uint64_t arena = pages, stride = 64, offset = 16, table = (uint64_t)blocks, size = 2, width = 2, halves = 0;
    uint64_t heads = 2, group = 2, from = 1, count = 2, dim = 2, split = 2, scale = 0x3F000000;
    uint64_t queries = (uint64_t)(host + 16), scores = (uint64_t)(host + 32), sums = (uint64_t)(host + 64);
    void *parameters[] = {&arena, &stride, &offset, &table, &size, &width, &halves, &heads, &group, &from, &count,
        &dim, &split, &scale, &queries, &scores};
    OK(run("kvflux_attention_scores", parameters));
    float expected[] = {0.5f, 1, -1, 1, 1.5f, -1, 0.5f, 1, 1.5f, 1, 1.5f, 2};
    IS(0, memcmp(expected, host + 32, sizeof expected));
    parameters[13] = &scores, parameters[14] = &sums;
    OK(run("kvflux_attention_weigh", parameters));
    float weighed[] = {2.5f, 1.5f, 4, 2.5f, 7, 3, 10, 4.5f};
    IS(0, memcmp(weighed, host + 64, sizeof weighed));
    OK(cuMemFree_v2(pages));
    OK(cuMemFreeHost(host));
    end();
}

static void does_not_attend_beyond_an_arena(void) {
    begin("");
    int32_t *host = pinned(256);
    host[0] = 4;
    uint64_t arena = device(256), stride = 64, offset = 0, table = (uint64_t)host, size = 2, width = 2, halves = 0;
    uint64_t one = 1, from = 0, dim = 2, values = (uint64_t)(host + 16), sums = (uint64_t)(host + 32);
    void *parameters[] = {&arena, &stride, &offset, &table, &size, &width, &halves, &one, &one, &from, &one,
        &dim, &dim, &values, &sums};
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, run("kvflux_attention_weigh", parameters));
    kvflux_stub_reset();
}

void smoke_kernels(void) {
    sums_up_pages();
    attends_to_pages();
    does_not_attend_beyond_an_arena();
}
