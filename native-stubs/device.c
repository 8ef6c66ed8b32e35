/*
 * Start, devices, their primary contexts, and which context is current on a thread.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#define DEPTH ((int)(sizeof((struct thread_state *)0)->stack / sizeof(CUcontext)))

struct device devices[MAX_DEVICES];
bool initialised;

bool device_exists(int device) { return device >= 0 && device < settings.devices; }

CUresult cuInit(unsigned int flags) {
    ENTER(cuInit, NOTHING);
    if (flags != 0) return leave(CUDA_ERROR_INVALID_VALUE);
    if (settings_are_bad) return leave(CUDA_ERROR_UNKNOWN);
    if (settings.devices == 0) return leave(CUDA_ERROR_NO_DEVICE);
    if (!window_open()) return leave(CUDA_ERROR_OUT_OF_MEMORY);
    initialised = true;
    return leave(CUDA_SUCCESS);
}

CUresult cuDriverGetVersion(int *version) {
    ENTER(cuDriverGetVersion, NOTHING);
    if (version == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    *version = settings.version;
    return leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetCount(int *count) {
    ENTER(cuDeviceGetCount, INITIALISED);
    if (count == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    *count = settings.devices;
    return leave(CUDA_SUCCESS);
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    ENTER(cuDeviceGet, INITIALISED);
    if (device == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    if (!device_exists(ordinal)) return leave(CUDA_ERROR_INVALID_DEVICE);
    *device = ordinal;
    return leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
    ENTER(cuDeviceGetName, INITIALISED);
    if (name == NULL || length < 1) return leave(CUDA_ERROR_INVALID_VALUE);
    if (!device_exists(device)) return leave(CUDA_ERROR_INVALID_DEVICE);
    snprintf(name, (size_t)length, "KvFlux stand-in GPU");
    return leave(CUDA_SUCCESS);
}

static int usual_attribute(int attribute) {
    switch (attribute) {
        case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: return 132;
        case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT: return 3;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: return 9;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: return 0;
        default: return 1;
    }
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    ENTER(cuDeviceGetAttribute, INITIALISED);
    if (value == NULL || attribute < 1) return leave(CUDA_ERROR_INVALID_VALUE);
    if (!device_exists(device)) return leave(CUDA_ERROR_INVALID_DEVICE);
    if (!attribute_of_script(attribute, value)) *value = usual_attribute(attribute);
    return leave(CUDA_SUCCESS);
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    ENTER(cuDeviceTotalMem_v2, INITIALISED);
    if (bytes == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    if (!device_exists(device)) return leave(CUDA_ERROR_INVALID_DEVICE);
    *bytes = settings.memory;
    return leave(CUDA_SUCCESS);
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
    ENTER(cuDeviceCanAccessPeer, INITIALISED);
    if (can == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    if (!device_exists(device) || !device_exists(peer)) return leave(CUDA_ERROR_INVALID_DEVICE);
    *can = device != peer && !settings.no_peer;
    return leave(CUDA_SUCCESS);
}

/* ---- Contexts ---- */

CUresult context_device(CUcontext context, int *device) {
    struct device *found = handle_find(HANDLE_CONTEXT, (uint64_t)context);
    if (found == NULL) return CUDA_ERROR_INVALID_CONTEXT;
    *device = (int)(found - devices);
    return CUDA_SUCCESS;
}

CUresult current_device(int *device) {
    struct thread_state *thread = thread_state();
    if (thread->depth == 0) return CUDA_ERROR_INVALID_CONTEXT;
    CUcontext context = thread->stack[thread->depth - 1];
    CUresult result = context_device(context, device);
    return result != CUDA_SUCCESS && handle_is_stale((uint64_t)context) ? CUDA_ERROR_CONTEXT_IS_DESTROYED : result;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    ENTER(cuDevicePrimaryCtxRetain, INITIALISED);
    if (context == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    if (!device_exists(device)) return leave(CUDA_ERROR_INVALID_DEVICE);
    struct device *retained = &devices[device];
    if (retained->sticky != CUDA_SUCCESS) return leave(retained->sticky);
    if (retained->retained++ == 0) {
        retained->context = (CUcontext)handle_create(HANDLE_CONTEXT, retained);
        retained->default_stream = stream_create(device);
    }
    *context = retained->context;
    return leave(CUDA_SUCCESS);
}

struct belongings {
    int device;
    long long streams;
    long long events;
    long long modules;
    long long operations;
    bool drop;
};

static void visit_event(uint64_t handle, void *object, void *argument) {
    struct belongings *of = argument;
    if (event_device(object) != of->device) return;
    of->events++;
    if (of->drop) event_drop(handle, object, NULL);
}

static void visit_module(uint64_t handle, void *object, void *argument) {
    struct belongings *of = argument;
    if (module_device(object) != of->device) return;
    of->modules++;
    if (of->drop) module_drop(handle, object, NULL);
}

static void visit_stream(uint64_t handle, void *object, void *argument) {
    struct belongings *of = argument;
    struct stream *stream = object;
    (void)handle;
    if (stream->device != of->device) return;
    of->streams++;
    if (of->drop) stream_close(stream);
}

static void visit_all(struct belongings *of) {
    handle_each(HANDLE_STREAM, visit_stream, of);
    handle_each(HANDLE_EVENT, visit_event, of);
    handle_each(HANDLE_MODULE, visit_module, of);
}

/* What a context owns goes with it; with strict, to leave anything to it is a violation, unless its device is dead. */
static void context_destroy(struct device *device) {
    struct belongings of = {.device = (int)(device - devices)};
    visit_all(&of);
    of.operations = streams_operations(of.device);
    long long ranges = ranges_of(of.device);
    if (device->sticky == CUDA_SUCCESS && of.streams + of.events + of.modules + of.operations + ranges > 0) {
        violation("the last release of device %d's context finds %lld streams, %lld events, %lld modules, and %lld "
                  "allocations and registrations that nobody gave back, and %lld operations that have not ended",
            of.device, of.streams, of.events, of.modules, ranges, of.operations);
    }
    of.drop = true;
    visit_all(&of);
    stream_close(device->default_stream);
    device->default_stream = NULL;
    handle_destroy((uint64_t)device->context);
    device->context = NULL;
    device->peers = 0;
    streams_await_end_of(of.device);
    ranges_drop_of(of.device);
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    ENTER(cuDevicePrimaryCtxRelease_v2, INITIALISED);
    if (!device_exists(device)) return leave(CUDA_ERROR_INVALID_DEVICE);
    struct device *released = &devices[device];
    if (released->retained == 0) {
        violation("cuDevicePrimaryCtxRelease_v2: the context of device %d is not retained", device);
        return leave(CUDA_ERROR_INVALID_CONTEXT);
    }
    if (--released->retained == 0) context_destroy(released);
    return leave(released->sticky);
}

static void set_top(struct thread_state *thread, CUcontext context) {
    if (thread->depth > 0) thread->depth--;
    if (context != NULL) thread->stack[thread->depth++] = context;
}

CUresult cuCtxGetCurrent(CUcontext *context) {
    ENTER(cuCtxGetCurrent, INITIALISED);
    if (context == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    struct thread_state *thread = thread_state();
    *context = thread->depth == 0 ? NULL : thread->stack[thread->depth - 1];
    return leave(CUDA_SUCCESS);
}

CUresult cuCtxSetCurrent(CUcontext context) {
    ENTER(cuCtxSetCurrent, INITIALISED);
    int device = 0;
    CUresult result = context == NULL ? CUDA_SUCCESS : context_device(context, &device);
    if (result == CUDA_SUCCESS) set_top(thread_state(), context);
    return leave(result);
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
    ENTER(cuCtxPushCurrent_v2, INITIALISED);
    struct thread_state *thread = thread_state();
    int device;
    CUresult result = context_device(context, &device);
    if (result != CUDA_SUCCESS) return leave(result);
    if (thread->depth == DEPTH) return leave(CUDA_ERROR_INVALID_VALUE);
    thread->stack[thread->depth++] = context;
    return leave(CUDA_SUCCESS);
}

CUresult cuCtxPopCurrent_v2(CUcontext *context) {
    ENTER(cuCtxPopCurrent_v2, INITIALISED);
    struct thread_state *thread = thread_state();
    if (thread->depth == 0) return leave(CUDA_ERROR_INVALID_CONTEXT);
    thread->depth--;
    if (context != NULL) *context = thread->stack[thread->depth];
    return leave(CUDA_SUCCESS);
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned int flags) {
    ENTER(cuCtxEnablePeerAccess, CONTEXT);
    struct device *device = &devices[thread_state()->device];
    int other;
    CUresult result = context_device(peer, &other);
    if (result != CUDA_SUCCESS) return leave(result);
    if (flags != 0) return leave(CUDA_ERROR_INVALID_VALUE);
    if (&devices[other] == device) return leave(CUDA_ERROR_INVALID_DEVICE);
    if (settings.no_peer) return leave(ERROR_PEER_ACCESS_UNSUPPORTED);
    if (device->peers >> other & 1) return leave(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
    device->peers |= (uint64_t)1 << other;
    return leave(CUDA_SUCCESS);
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    ENTER(cuCtxGetStreamPriorityRange, CONTEXT);
    if (least != NULL) *least = 0;
    if (greatest != NULL) *greatest = -5;
    return leave(CUDA_SUCCESS);
}

CUresult cuMemGetInfo_v2(size_t *freeBytes, size_t *totalBytes) {
    ENTER(cuMemGetInfo_v2, CONTEXT);
    size_t used = devices[thread_state()->device].used;
    if (freeBytes != NULL) *freeBytes = used < settings.memory ? settings.memory - used : 0;
    if (totalBytes != NULL) *totalBytes = settings.memory;
    return leave(CUDA_SUCCESS);
}

void device_dies(int device, CUresult code) {
    if (devices[device].sticky != CUDA_SUCCESS) return;
    devices[device].sticky = code;
    streams_drop_queued(device);
    tell_change();
}

void device_reset(void) {
    for (int i = 0; i < MAX_DEVICES; i++) {
        if (devices[i].context != NULL) handle_destroy((uint64_t)devices[i].context);
        devices[i] = (struct device){.used = 0};
    }
    initialised = false;
}
