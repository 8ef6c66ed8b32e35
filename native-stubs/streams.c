/*
 * Streams, events and host functions, as callers see them.
 */
#include "internal.h"

#include <stdlib.h>

struct event {
    int device;
    unsigned flags;
    struct point *point; /* its newest recording, or NULL */
};

/* ---- Streams ---- */

static bool is_default(CUstream handle) { return (uint64_t)handle <= 2; }

CUresult stream_find(CUstream handle, struct stream **stream) {
    struct thread_state *thread = thread_state();
    *stream = is_default(handle) ? devices[thread->device].default_stream : handle_find(HANDLE_STREAM, (uint64_t)handle);
    if (*stream == NULL) {
        violation("%s: the stream %p %s", function_name(thread->function), (void *)handle,
            handle_is_stale((uint64_t)handle) ? "was destroyed already" : "is no stream");
        return ERROR_INVALID_HANDLE;
    }
    return thread->dead != CUDA_SUCCESS ? CUDA_SUCCESS : devices[(*stream)->device].sticky;
}

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned int flags, int priority) {
    ENTER(cuStreamCreateWithPriority, CONTEXT);
    (void)priority; /* any is right, as with the driver, which clamps it; streams here are all alike */
    if (stream == NULL || flags > CU_STREAM_NON_BLOCKING) return leave(CUDA_ERROR_INVALID_VALUE);
    struct stream *created = stream_create(thread_state()->device);
    created->handle = (CUstream)handle_create(HANDLE_STREAM, created);
    *stream = created->handle;
    return leave(CUDA_SUCCESS);
}

CUresult cuStreamDestroy_v2(CUstream stream) {
    ENTER(cuStreamDestroy_v2, GIVES_BACK);
    struct stream *found;
    if (is_default(stream)) return leave(ERROR_INVALID_HANDLE);
    CUresult result = stream_find(stream, &found);
    if (result == ERROR_INVALID_HANDLE) return leave(result);
    stream_close(found);
    return leave(result);
}

CUresult cuStreamQuery(CUstream stream) {
    ENTER(cuStreamQuery, CONTEXT);
    struct stream *found;
    CUresult result = stream_find(stream, &found);
    if (result == CUDA_SUCCESS && found->completed < found->last) result = CUDA_ERROR_NOT_READY;
    return leave(result);
}

CUresult cuStreamSynchronize(CUstream stream) {
    ENTER(cuStreamSynchronize, CONTEXT);
    struct stream *found;
    CUresult result = stream_find(stream, &found);
    return leave(result == CUDA_SUCCESS ? stream_wait(found) : result);
}

/* ---- Captures ---- */

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
    ENTER(cuThreadExchangeStreamCaptureMode, INITIALISED);
    if (mode == NULL || *mode < CU_STREAM_CAPTURE_MODE_GLOBAL || *mode > CU_STREAM_CAPTURE_MODE_RELAXED) {
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    struct thread_state *thread = thread_state();
    CUstreamCaptureMode old = thread->capture_mode;
    thread->capture_mode = *mode;
    *mode = old;
    return leave(CUDA_SUCCESS);
}

/* ---- Events ---- */

static CUresult event_find(CUevent handle, struct event **event) {
    struct thread_state *thread = thread_state();
    *event = handle_find(HANDLE_EVENT, (uint64_t)handle);
    if (*event == NULL) {
        violation("%s: the event %p %s", function_name(thread->function), (void *)handle,
            handle_is_stale((uint64_t)handle) ? "was destroyed already" : "is no event");
        return ERROR_INVALID_HANDLE;
    }
    return thread->dead != CUDA_SUCCESS ? CUDA_SUCCESS : devices[(*event)->device].sticky;
}

int event_device(const void *event) { return ((const struct event *)event)->device; }

void event_drop(uint64_t handle, void *object, void *argument) {
    struct event *event = object;
    (void)argument;
    handle_destroy(handle);
    if (event->point != NULL) point_release(event->point);
    free(event);
}

CUresult cuEventCreate(CUevent *event, unsigned int flags) {
    ENTER(cuEventCreate, CONTEXT);
    if (event == NULL || flags > 3) return leave(CUDA_ERROR_INVALID_VALUE);
    struct event *created = calloc(1, sizeof *created);
    if (created == NULL) return leave(CUDA_ERROR_OUT_OF_MEMORY);
    created->device = thread_state()->device;
    created->flags = flags;
    *event = (CUevent)handle_create(HANDLE_EVENT, created);
    return leave(CUDA_SUCCESS);
}

CUresult cuEventDestroy_v2(CUevent event) {
    ENTER(cuEventDestroy_v2, GIVES_BACK);
    struct event *found;
    CUresult result = event_find(event, &found);
    if (found != NULL) event_drop((uint64_t)event, found, NULL);
    return leave(result);
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
    ENTER(cuEventRecord, CONTEXT);
    struct event *found;
    struct stream *on;
    CUresult result = event_find(event, &found);
    if (result == CUDA_SUCCESS) result = stream_find(stream, &on);
    if (result != CUDA_SUCCESS) return leave(result);
    if (found->device != on->device) return leave(ERROR_INVALID_HANDLE);
    struct point *point = calloc(1, sizeof *point);
    if (point == NULL) return leave(CUDA_ERROR_OUT_OF_MEMORY);
    point->references = 2;
    point->device = on->device;
    if (found->point != NULL) point_release(found->point);
    found->point = point;
    struct operation *operation = operation_create(RECORD);
    operation->point = point;
    return leave(enqueue(on, operation));
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags) {
    ENTER(cuStreamWaitEvent, CONTEXT);
    struct event *found;
    struct stream *on;
    CUresult result = event_find(event, &found);
    if (result == CUDA_SUCCESS) result = stream_find(stream, &on);
    if (result == CUDA_SUCCESS && flags > 1) result = CUDA_ERROR_INVALID_VALUE;
    if (result != CUDA_SUCCESS || found->point == NULL) return leave(result);
    struct operation *operation = operation_create(WAIT);
    operation->point = found->point;
    operation->point->references++;
    return leave(enqueue(on, operation));
}

/* An event that was never recorded counts as reached. */
CUresult cuEventQuery(CUevent event) {
    ENTER(cuEventQuery, CONTEXT);
    struct event *found;
    CUresult result = event_find(event, &found);
    if (result == CUDA_SUCCESS && found->point != NULL && !found->point->reached) result = CUDA_ERROR_NOT_READY;
    return leave(result);
}

CUresult cuEventSynchronize(CUevent event) {
    ENTER(cuEventSynchronize, CONTEXT);
    struct event *found;
    CUresult result = event_find(event, &found);
    if (result != CUDA_SUCCESS || found->point == NULL) return leave(result);
    struct point *point = found->point;
    point->references++;
    while (!point->reached && !point->failed) wait_for_change();
    if (!point->reached) result = why_dropped(point->device);
    point_release(point);
    return leave(result);
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent from, CUevent to) {
    ENTER(cuEventElapsedTime, CONTEXT);
    struct event *first, *second;
    CUresult result = event_find(from, &first);
    if (result == CUDA_SUCCESS) result = event_find(to, &second);
    if (result != CUDA_SUCCESS) return leave(result);
    if (milliseconds == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    if (first->device != second->device || first->point == NULL || second->point == NULL
        || ((first->flags | second->flags) & CU_EVENT_DISABLE_TIMING) != 0) {
        return leave(ERROR_INVALID_HANDLE);
    }
    if (!first->point->reached || !second->point->reached) return leave(CUDA_ERROR_NOT_READY);
    *milliseconds = (float)((double)(second->point->time - first->point->time) / 1e6);
    return leave(CUDA_SUCCESS);
}

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void *userData) {
    ENTER(cuLaunchHostFunc, CONTEXT);
    struct stream *on;
    CUresult result = stream_find(stream, &on);
    if (result == CUDA_SUCCESS && function == NULL) result = CUDA_ERROR_INVALID_VALUE;
    if (result != CUDA_SUCCESS) return leave(result);
    struct operation *operation = operation_create(HOST_FUNCTION);
    operation->function = function;
    operation->user_data = userData;
    return leave(enqueue(on, operation));
}
