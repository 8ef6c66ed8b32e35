/*
 * Streams, events, host functions, kernels, and calls from many threads.
 */
#include "smoke.h"

#include <pthread.h>
#include <stdio.h>

#define PTX ".version 8.0\n.target sm_70\n.visible .entry kvflux_copy_pages(\n)\n.entry kvflux_fill_pages (.entry other()"

static void waits_for_events(void) {
    float milliseconds = -1;
    begin("strict; hold");
    CUevent first = event(), second = event();
    unsigned char *host = pinned(2);
    CUdeviceptr memory = device(1);
    host[0] = 6;
    host[1] = 0;
    OK(cuEventQuery(first));
    OK(cuMemcpyHtoDAsync_v2(memory, host, 1, stream));
    OK(cuEventRecord(first, stream));
    OK(cuStreamWaitEvent(other, first, 0));
    OK(cuMemcpyDtoHAsync_v2(host + 1, memory, 1, other));
    OK(cuEventRecord(second, other));
    IS(CUDA_ERROR_NOT_READY, cuEventQuery(first));
    IS(CUDA_ERROR_NOT_READY, cuStreamQuery(other));
    IS(CUDA_ERROR_NOT_READY, cuEventElapsedTime(&milliseconds, first, second));
    IS(5, kvflux_stub_live("operations"));
    IS(1, kvflux_stub_release(1));
    IS(CUDA_ERROR_NOT_READY, cuEventQuery(first));
    IS(1, kvflux_stub_release(1));
    OK(cuEventQuery(first));
    IS(CUDA_ERROR_NOT_READY, cuEventQuery(second));
    IS(0, host[1]);
    IS(3, kvflux_stub_release(9));
    IS(6, host[1]);
    OK(cuEventElapsedTime(&milliseconds, first, second));
    IS(true, milliseconds >= 0);
    IS(0, kvflux_stub_release(-1));
    OK(cuEventRecord(first, stream));
    OK(cuEventSynchronize(first));
    OK(cuEventDestroy_v2(first));
    OK(cuEventDestroy_v2(second));
    OK(cuMemFree_v2(memory));
    OK(cuMemFreeHost(host));
    end();
}

static void add_one(void *number) { ++*(int *)number; }

static void calls_back(void *number) { *(int *)number = cuDriverGetVersion(number); }

static void calls_host_functions(void) {
    int number = 0;
    begin("");
    OK(cuLaunchHostFunc(stream, add_one, &number));
    OK(cuStreamSynchronize(stream));
    IS(1, number);
    OK(cuLaunchHostFunc(stream, calls_back, &number));
    OK(cuStreamSynchronize(stream));
    IS(800, number);
    script("no-callbacks");
    OK(cuLaunchHostFunc(stream, add_one, &number));
    OK(cuEventRecord(event(), stream));
    OK(cuLaunchHostFunc(other, add_one, &number));
    IS(CUDA_ERROR_NOT_READY, cuStreamQuery(stream));
    kvflux_stub_reset();
    IS(800, number);
    IS(0, kvflux_stub_live("all"));
}

static void destroys_streams_with_work(void) {
    int number = 0;
    begin("strict; late 3000");
    CUstream busy;
    OK(cuStreamCreateWithPriority(&busy, 0, 0));
    CUevent done = event();
    OK(cuLaunchHostFunc(busy, add_one, &number));
    OK(cuEventRecord(done, busy));
    OK(cuStreamDestroy_v2(busy));
    OK(cuEventSynchronize(done));
    IS(1, number);
    OK(cuEventDestroy_v2(done));
    end();
    begin("strict");
    CUevent gone = event();
    OK(cuEventDestroy_v2(gone));
    IS(400, cuEventQuery(gone));
    IS(true, violated("destroyed already"));
    kvflux_stub_reset();
}

struct note {
    char *order;
    char letter;
};

static void write_down(void *data) {
    struct note *note = data;
    note->order[strlen(note->order)] = note->letter;
}

/* In which order six host functions on three streams run: the letters name the streams. */
static void order_of(const char *text, char *order) {
    CUstream streams[3];
    struct note notes[3];
    begin(text);
    streams[0] = stream;
    streams[1] = other;
    OK(cuStreamCreateWithPriority(&streams[2], 0, 0));
    memset(order, 0, 8);
    for (int i = 0; i < 6; i++) {
        notes[i % 3] = (struct note){order, (char)('a' + i % 3)};
        OK(cuLaunchHostFunc(streams[i % 3], write_down, &notes[i % 3]));
    }
    IS(6, kvflux_stub_release(-1));
    OK(cuStreamDestroy_v2(streams[2]));
    end();
}

static void the_seed_decides_the_order(void) {
    char order[8], again[8];
    int different = 0;
    order_of("strict; hold", order);
    IS(0, strcmp(order, "abcabc"));
    for (int seed = 1; seed < 9; seed++) {
        char text[64];
        snprintf(text, sizeof text, "strict; hold; shuffle %d", seed);
        order_of(text, order);
        order_of(text, again);
        IS(0, strcmp(order, again));
        different += strcmp(order, "abcabc") != 0;
    }
    IS(true, different > 0);
}

static void copies_take_their_time(void) {
    float milliseconds;
    begin("strict; bandwidth 100MiB");
    CUevent from = event(), to = event();
    void *host = pinned(MIB);
    CUdeviceptr memory = device(MIB);
    OK(cuEventRecord(from, stream));
    OK(cuMemcpyHtoDAsync_v2(memory, host, MIB, stream));
    OK(cuEventRecord(to, stream));
    OK(cuEventSynchronize(to));
    OK(cuEventElapsedTime(&milliseconds, from, to));
    IS(true, milliseconds >= 10);
    OK(cuEventDestroy_v2(from));
    OK(cuEventDestroy_v2(to));
    OK(cuMemFree_v2(memory));
    OK(cuMemFreeHost(host));
    end();
}

static void objects_belong_to_their_device(void) {
    CUcontext peer;
    CUevent theirs;
    begin("");
    OK(cuDevicePrimaryCtxRetain(&peer, 1));
    OK(cuCtxPushCurrent_v2(peer));
    OK(cuEventCreate(&theirs, CU_EVENT_DISABLE_TIMING));
    OK(cuCtxPopCurrent_v2(NULL));
    IS(400, cuEventRecord(theirs, stream));
    OK(cuStreamWaitEvent(stream, theirs, 0));
    OK(cuEventDestroy_v2(theirs));
    OK(cuDevicePrimaryCtxRelease_v2(1));
    end();
}

/* ---- Kernels ---- */

static CUmodule load(CUfunction *copy) {
    CUmodule module;
    OK(cuModuleLoadData(&module, PTX));
    OK(cuModuleGetFunction(copy, module, "kvflux_copy_pages"));
    return module;
}

static CUresult launch(CUfunction function, unsigned pages, void **parameters) {
    return cuLaunchKernel(function, pages, 1, 1, 256, 1, 1, 0, stream, parameters, NULL);
}

static void runs_kernels(void) {
    CUmodule module;
    CUfunction copy, fill, unknown;
    begin("strict");
    IS(218, cuModuleLoadData(&module, "no ptx"));
    module = load(&copy);
    IS(500, cuModuleGetFunction(&fill, module, "kvflux_fill"));
    OK(cuModuleGetFunction(&fill, module, "kvflux_fill_pages"));
    OK(cuModuleGetFunction(&unknown, module, "other"));
    uint64_t *host = pinned(4096);
    CUdeviceptr memory = device(4096);
    uint64_t pairs = (uint64_t)host, pages = 2, bytes = 512, value = 0x1f7;
    host[0] = memory, host[1] = memory + 1024;
    void *fills[] = {&pairs, &pages, &bytes, &value}, *copies[] = {&pairs, &pages, &bytes};
    OK(launch(fill, 2, fills));
    OK(cuStreamSynchronize(stream));
    host[0] = memory, host[1] = (uint64_t)host + 1024;
    host[2] = memory + 1024, host[3] = (uint64_t)host + 2048;
    OK(launch(copy, 2, copies));
    OK(cuStreamSynchronize(stream));
    IS(0xf7, ((unsigned char *)host)[1024]);
    IS(0xf7, ((unsigned char *)host)[2048 + 511]);
    IS(0, ((unsigned char *)host)[2048 + 512]);
    IS(CUDA_ERROR_INVALID_VALUE, launch(copy, 0, copies));
    IS(CUDA_ERROR_NOT_SUPPORTED, launch(unknown, 1, copies));
    OK(cuMemFree_v2(memory));
    OK(launch(copy, 2, copies));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(stream));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemAlloc_v2(&memory, 1));
    IS(true, violated("where it may not"));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuModuleUnload(module));
    IS(0, kvflux_stub_live("modules"));
    kvflux_stub_reset();
}

static void kernels_reach_peers_that_were_enabled(void) {
    CUcontext peer;
    CUfunction copy;
    begin("strict");
    OK(cuDevicePrimaryCtxRetain(&peer, 1));
    OK(cuCtxPushCurrent_v2(peer));
    CUdeviceptr far = device(512);
    OK(cuCtxPopCurrent_v2(NULL));
    uint64_t *host = pinned(64), pairs = (uint64_t)host, pages = 1, bytes = 512;
    void *parameters[] = {&pairs, &pages, &bytes};
    CUdeviceptr near = device(512);
    CUmodule module = load(&copy);
    host[0] = near, host[1] = far;
    OK(cuCtxEnablePeerAccess(peer, 0));
    OK(launch(copy, 1, parameters));
    OK(cuStreamSynchronize(stream));
    OK(cuModuleUnload(module));
    OK(cuMemFree_v2(near));
    OK(cuMemFree_v2(far));
    OK(cuMemFreeHost(host));
    OK(cuDevicePrimaryCtxRelease_v2(1));
    end();
}

static void kernels_do_not_reach_other_peers(void) {
    CUcontext peer;
    CUfunction copy;
    begin("");
    OK(cuDevicePrimaryCtxRetain(&peer, 1));
    OK(cuCtxPushCurrent_v2(peer));
    CUdeviceptr far = device(512);
    OK(cuCtxPopCurrent_v2(NULL));
    uint64_t *host = pinned(64), pairs = (uint64_t)host, pages = 1, bytes = 512;
    void *parameters[] = {&pairs, &pages, &bytes};
    load(&copy);
    host[0] = far, host[1] = device(512);
    OK(launch(copy, 1, parameters));
    IS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(stream));
    kvflux_stub_reset();
}

/* ---- Many threads ---- */

static void *copies_much(void *argument) {
    CUstream mine;
    CUevent done;
    unsigned char *host;
    int seed = (int)(intptr_t)argument;
    OK(cuCtxSetCurrent(context));
    OK(cuStreamCreateWithPriority(&mine, CU_STREAM_NON_BLOCKING, 0));
    OK(cuEventCreate(&done, 0));
    OK(cuMemHostAlloc((void **)&host, 8192, 0));
    for (int i = 0; i < 100; i++) {
        CUdeviceptr memory = device(4096);
        memset(host, seed + i, 4096);
        OK(cuMemcpyHtoDAsync_v2(memory, host, 4096, mine));
        OK(cuMemcpyDtoHAsync_v2(host + 4096, memory, 4096, mine));
        OK(cuEventRecord(done, mine));
        OK(cuEventSynchronize(done));
        IS((unsigned char)(seed + i), host[8191]);
        OK(cuMemFree_v2(memory));
    }
    OK(cuMemFreeHost(host));
    OK(cuEventDestroy_v2(done));
    OK(cuStreamDestroy_v2(mine));
    return NULL;
}

static void serves_many_threads(const char *text) {
    pthread_t threads[4];
    begin(text);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, copies_much, (void *)(intptr_t)(i * 50));
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    end();
}

void smoke_streams(void) {
    waits_for_events();
    calls_host_functions();
    destroys_streams_with_work();
    the_seed_decides_the_order();
    copies_take_their_time();
    objects_belong_to_their_device();
    runs_kernels();
    kernels_reach_peers_that_were_enabled();
    kernels_do_not_reach_other_peers();
    serves_many_threads("strict");
    serves_many_threads("strict; shuffle 5");
}
