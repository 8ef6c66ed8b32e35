/*
 * Scripts, faults, violations and forked children.
 */
#define _GNU_SOURCE
#include "smoke.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void fails_as_scripted(void) {
    CUdeviceptr memory;
    begin("fail cuMemAlloc_v2 2 2; fail-above 1MiB; fail-later cuMemsetD8Async 1 719");
    OK(cuMemAlloc_v2(&memory, 512));
    CUdeviceptr none;
    IS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc_v2(&none, 512));
    IS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc_v2(&none, MIB + 1));
    IS(3, kvflux_stub_calls("cuMemAlloc_v2"));
    IS(1, kvflux_stub_live("allocations"));
    CUresult result = cuMemsetD8Async(memory, 0, 512, stream);
    if (result != CUDA_SUCCESS) IS(CUDA_ERROR_LAUNCH_FAILED, result);
    IS(CUDA_ERROR_LAUNCH_FAILED, cuStreamSynchronize(stream));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuMemFree_v2(memory));
    IS(0, kvflux_stub_live("allocations"));
    begin("fail cuEventCreate 1 714 sticky");
    CUevent created;
    IS(714, cuEventCreate(&created, 0));
    IS(714, cuEventCreate(&created, 0));
    IS(714, cuStreamDestroy_v2(stream));
    IS(714, cuStreamDestroy_v2(other));
    IS(714, cuDevicePrimaryCtxRelease_v2(0));
    IS(0, kvflux_stub_live("all"));
}

static void *lose_later(void *argument) {
    usleep(2000);
    script("lose 0");
    return argument;
}

static void loses_devices(void) {
    pthread_t thread;
    begin("strict; hold");
    CUdeviceptr memory = device(512);
    CUevent done = event();
    OK(cuMemsetD8Async(memory, 0, 512, stream));
    OK(cuEventRecord(done, stream));
    pthread_create(&thread, NULL, lose_later, NULL);
    IS(CUDA_ERROR_LAUNCH_FAILED, cuEventSynchronize(done));
    pthread_join(thread, NULL);
    IS(0, kvflux_stub_live("operations"));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuEventQuery(done));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuMemFree_v2(memory));
    OK(cuDevicePrimaryCtxRetain(&context, 1));
    OK(cuCtxSetCurrent(context));
    OK(cuMemFree_v2(device(512)));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuStreamQuery(stream));
    kvflux_stub_reset();
}

/* What waits on a sound device for an event of a lost one goes on. */
static void a_lost_device_holds_up_no_other(void) {
    CUcontext sound;
    CUstream theirs;
    begin("strict; hold");
    CUevent done = event();
    OK(cuDevicePrimaryCtxRetain(&sound, 1));
    OK(cuCtxPushCurrent_v2(sound));
    OK(cuStreamCreateWithPriority(&theirs, 0, 0));
    CUdeviceptr memory = device(512);
    OK(cuEventRecord(done, stream));
    OK(cuStreamWaitEvent(theirs, done, 0));
    OK(cuMemsetD8Async(memory, 0, 512, theirs));
    IS(CUDA_ERROR_NOT_READY, cuEventQuery(done));
    script("lose 0");
    IS(CUDA_ERROR_LAUNCH_FAILED, cuEventQuery(done));
    IS(2, kvflux_stub_release(-1));
    OK(cuStreamSynchronize(theirs));
    OK(cuStreamDestroy_v2(theirs));
    OK(cuMemFree_v2(memory));
    OK(cuDevicePrimaryCtxRelease_v2(1));
    OK(cuCtxPopCurrent_v2(NULL));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuEventDestroy_v2(done));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuStreamDestroy_v2(stream));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuStreamDestroy_v2(other));
    IS(CUDA_ERROR_LAUNCH_FAILED, cuDevicePrimaryCtxRelease_v2(0));
    IS(0, kvflux_stub_live("all"));
    kvflux_stub_reset();
}

/* Unless the script says that it does. */
static void a_lost_device_may_hold_up_others(void) {
    CUcontext sound;
    CUstream theirs;
    begin("strict; stuck-waiters");
    CUevent lost = event();
    OK(cuDevicePrimaryCtxRetain(&sound, 1));
    OK(cuCtxPushCurrent_v2(sound));
    OK(cuStreamCreateWithPriority(&theirs, 0, 0));
    CUevent done = event();
    CUdeviceptr memory = device(512);
    script("hold");
    OK(cuEventRecord(lost, stream));
    OK(cuStreamWaitEvent(theirs, lost, 0));
    OK(cuMemsetD8Async(memory, 0, 512, theirs));
    OK(cuEventRecord(done, theirs));
    script("lose 0");
    IS(0, kvflux_stub_release(-1));
    IS(CUDA_ERROR_NOT_READY, cuEventQuery(done));
    IS(CUDA_ERROR_NOT_READY, cuStreamQuery(theirs));
    IS(3, kvflux_stub_live("operations"));
    kvflux_stub_reset();
    IS(0, kvflux_stub_live("all"));
}

static CUresult calls_unsafe(CUevent done, void *page) {
    CUdeviceptr memory;
    void *host;
    CUresult results[] = {cuEventQuery(done), cuEventSynchronize(done), cuStreamQuery(stream),
        cuStreamSynchronize(stream), cuMemAlloc_v2(&memory, 512), cuMemHostAlloc(&host, 512, 0),
        cuMemHostRegister_v2(page, 4096, 0)};
    for (size_t i = 1; i < sizeof results / sizeof *results; i++) IS(results[0], results[i]);
    if (results[0] != CUDA_SUCCESS) return results[0];
    OK(cuMemFree_v2(memory));
    OK(cuMemFreeHost(host));
    OK(cuMemHostUnregister(page));
    return CUDA_SUCCESS;
}

static void *exchange_elsewhere(void *argument) {
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    OK(cuThreadExchangeStreamCaptureMode(&mode));
    IS(CU_STREAM_CAPTURE_MODE_GLOBAL, mode);
    return argument;
}

static void guards_captures(void) {
    pthread_t thread;
    static char pages[2 * 4096] __attribute__((aligned(4096)));
    CUstreamCaptureMode mode = 3;
    begin("");
    CUevent done = event();
    CUdeviceptr memory = device(512);
    void *host = pinned(512);
    OK(cuMemHostRegister_v2(pages, 4096, 0));
    IS(CUDA_ERROR_INVALID_VALUE, cuThreadExchangeStreamCaptureMode(&mode));
    IS(CUDA_ERROR_INVALID_VALUE, cuThreadExchangeStreamCaptureMode(NULL));
    script("capture");
    pthread_create(&thread, NULL, exchange_elsewhere, NULL);
    pthread_join(thread, NULL);
    IS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, calls_unsafe(done, pages + 4096));
    IS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuMemFree_v2(memory));
    IS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuMemFreeHost(host));
    IS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuMemHostUnregister(pages));
    IS(1, kvflux_stub_live("allocations"));
    IS(1, kvflux_stub_live("hostAllocations"));
    IS(1, kvflux_stub_live("registrations"));
    OK(cuMemsetD8Async(memory, 0, 512, stream));
    OK(cuEventRecord(done, stream));
    mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    OK(cuThreadExchangeStreamCaptureMode(&mode));
    IS(CU_STREAM_CAPTURE_MODE_GLOBAL, mode);
    OK(cuEventSynchronize(done));
    OK(cuStreamSynchronize(stream));
    OK(calls_unsafe(done, pages + 4096));
    OK(cuThreadExchangeStreamCaptureMode(&mode));
    IS(CU_STREAM_CAPTURE_MODE_RELAXED, mode);
    IS(0, strlen(kvflux_stub_violations()));
    script("strict");
    IS(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuEventQuery(done));
    IS(true, violated("cuEventQuery breaks the capture of somebody else"));
    script("end-capture");
    OK(calls_unsafe(done, pages + 4096));
    OK(cuMemFree_v2(memory));
    OK(cuMemFreeHost(host));
    OK(cuMemHostUnregister(pages));
    kvflux_stub_reset();
}

static void sees_violations(void) {
    CUdeviceptr memory;
    char host[64] = {0};
    begin("strict");
    memory = device(4096);
    IS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoDAsync_v2(memory, host, 64, stream));
    IS(true, violated("is in no registered memory"));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemsetD8Async(memory + 4000, 0, 97, stream));
    IS(true, violated("reaches beyond its allocation"));
    script("hold");
    OK(cuMemsetD8Async(memory, 0, 96, stream));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemFree_v2(memory));
    IS(true, violated("1 operations that have not ended use the memory"));
    IS(1, kvflux_stub_release(-1));
    OK(cuMemFree_v2(memory));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemFree_v2(memory));
    IS(true, violated("was freed already"));
    IS(CUDA_ERROR_INVALID_VALUE, cuMemsetD8Async(memory, 0, 1, stream));
    OK(cuDevicePrimaryCtxRelease_v2(0));
    IS(true, violated("finds 2 streams"));
    IS(0, kvflux_stub_live("all"));
    kvflux_stub_reset();
    IS(0, strlen(kvflux_stub_violations()));
}

/* Without strict a call that frees waits, as the driver's does. */
static void frees_when_the_last_use_ended(void) {
    begin("late 2000");
    CUdeviceptr memory = device(512);
    CUevent done = event();
    OK(cuMemsetD8Async(memory, 0, 512, stream));
    OK(cuEventRecord(done, other));
    OK(cuMemFree_v2(memory));
    OK(cuEventDestroy_v2(done));
    OK(cuStreamSynchronize(stream));
    end();
}

static void drops_what_a_released_context_has_queued(void) {
    begin("strict; hold");
    CUdeviceptr memory = device(512);
    OK(cuMemsetD8Async(memory, 0, 512, stream));
    OK(cuDevicePrimaryCtxRelease_v2(0));
    IS(0, kvflux_stub_live("all"));
    IS(true, violated("1 operations that have not ended"));
    kvflux_stub_reset();
}

static void a_reset_gives_all_memory_back(void) {
    size_t left, all;
    begin("strict");
    device(MIB);
    pinned(MIB);
    begin("strict");
    OK(cuMemGetInfo_v2(&left, &all));
    IS(all, left);
    end();
}

static void refuses_bad_settings(void) {
    setenv("KVFLUX_STUB", "devices many", 1);
    kvflux_stub_reset();
    IS(CUDA_ERROR_UNKNOWN, cuInit(0));
    setenv("KVFLUX_STUB", "devices 5", 1);
    begin("");
    int count;
    OK(cuDeviceGetCount(&count));
    IS(5, count);
    unsetenv("KVFLUX_STUB");
    end();
}

static void refuses_bad_scripts(void) {
    static const char *const scripts[] = {"nonsense", "devices", "devices -1", "memory 1GB", "fail cuNothing 1 1",
        "fail-later cuMemAlloc_v2 1 1", "fail cuInit 0 1", "late x", "strict 1", "lose 7"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) IS(true, kvflux_stub_script(scripts[i]) != NULL);
    IS(-1, kvflux_stub_live("nonsense"));
    IS(-1, kvflux_stub_calls("cuNothing"));
}

static void refuses_forked_children(void) {
    begin("");
    pid_t child = fork();
    if (child == 0) {
        CUcontext current;
        _exit(cuCtxGetCurrent(&current) == CUDA_ERROR_NOT_INITIALIZED ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    IS(0, status);
    script("forked");
    IS(CUDA_ERROR_NOT_INITIALIZED, cuMemFree_v2(0));
    kvflux_stub_reset();
}

static void names_all_errors(void) {
    const char *text;
#define TYPE(name, bytes)
#define FUNCTION(set, name, parameters)
#define CONSTANT(constant, value)                                  \
    if (strncmp(#constant, "CUDA_", 5) == 0) {                     \
        OK(cuGetErrorName(constant, &text));                       \
        IS(0, strcmp(text, #constant));                            \
        OK(cuGetErrorString(constant, &text));                     \
    }
#define STRUCT(name, bytes)
#define FIELD(name, member, offset)
#include "driver.def"
    IS(CUDA_ERROR_INVALID_VALUE, cuGetErrorName(12345, &text));
    IS(CUDA_ERROR_INVALID_VALUE, cuGetErrorString(12345, &text));
}

void smoke_faults(void) {
    fails_as_scripted();
    loses_devices();
    a_lost_device_holds_up_no_other();
    a_lost_device_may_hold_up_others();
    guards_captures();
    sees_violations();
    frees_when_the_last_use_ended();
    drops_what_a_released_context_has_queued();
    a_reset_gives_all_memory_back();
    refuses_bad_settings();
    refuses_bad_scripts();
    refuses_forked_children();
    names_all_errors();
}
