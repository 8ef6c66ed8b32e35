/*
 * Allocation in the order of a stream. The memory counts as used until the stream has come to the call that frees it.
 */
#include "internal.h"

CUresult cuMemAllocAsync(CUdeviceptr *pointer, size_t bytes, CUstream stream) {
    ENTER(cuMemAllocAsync, CONTEXT);
    if (attribute_is_off(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)) return leave(CUDA_ERROR_NOT_SUPPORTED);
    struct stream *on;
    CUresult result = stream_find(stream, &on);
    if (result == CUDA_SUCCESS) result = allocate(pointer, bytes, on->device);
    /* The stream passes a copy of nothing: an operation like any other for hold, late and fail-later. */
    return leave(result == CUDA_SUCCESS ? enqueue(on, operation_create(COPY)) : result);
}

CUresult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream) {
    ENTER(cuMemFreeAsync, GIVES_BACK);
    struct stream *on;
    struct range *range;
    CUresult result = stream_find(stream, &on);
    if (result != CUDA_SUCCESS) return leave(result);
    result = free_device_memory(pointer, "cuMemFreeAsync", &range);
    if (result != CUDA_SUCCESS) return leave(result);
    struct operation *operation = operation_create(FREE);
    operation->freed = range;
    range->closing = true;
    return leave(enqueue(on, operation));
}
