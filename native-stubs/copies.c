/*
 * Copies and fills. Addresses are resolved when the copy is queued; its bytes move on the stream.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Which memory a caller says an address is in. */
enum side { HOST_SIDE, DEVICE_SIDE, EITHER_SIDE };

/* Takes a copy of a pageable source, as the driver does, so that the caller may change it at once. */
static CUresult stage(struct operation *operation, char **from, size_t bytes) {
    void **staged = realloc(operation->staged, (operation->staged_count + 1) * sizeof *staged);
    if (staged == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    operation->staged = staged;
    void *copy = malloc(bytes);
    if (copy == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(copy, *from, bytes);
    operation->staged[operation->staged_count++] = copy;
    *from = copy;
    return CUDA_SUCCESS;
}

static CUresult resolve(struct operation *operation, enum side side, uint64_t address, size_t bytes, char **accessible,
    bool *pageable) {
    CUresult result = span(operation, address, bytes, accessible, pageable);
    if (result != CUDA_SUCCESS) return result;
    bool wrong_side = side == HOST_SIDE ? is_device_address(address) : side == DEVICE_SIDE && *pageable;
    if (!wrong_side) return CUDA_SUCCESS;
    violation("%s: the memory at %#llx is %s", function_name(thread_state()->function), (unsigned long long)address,
        side == HOST_SIDE ? "a device's, and should be the host's" : "not a device's");
    return CUDA_ERROR_INVALID_VALUE;
}

static CUresult add_copy(struct operation *operation, enum side to_side, uint64_t to, enum side from_side, uint64_t from,
    size_t bytes) {
    struct piece piece = {.bytes = bytes};
    char *source;
    bool pageable_source, pageable_destination;
    if (bytes == 0) return CUDA_SUCCESS;
    CUresult result = resolve(operation, to_side, to, bytes, &piece.to, &pageable_destination);
    if (result == CUDA_SUCCESS) result = resolve(operation, from_side, from, bytes, &source, &pageable_source);
    if (result == CUDA_SUCCESS && pageable_source) result = stage(operation, &source, bytes);
    if (result != CUDA_SUCCESS) return result;
    piece.from = source;
    operation->pageable_destination |= pageable_destination;
    bool to_device = is_device_address(to), from_device = is_device_address(from);
    if (to_device && !from_device) operation->bytes_to_device += bytes;
    if (!to_device && from_device) operation->bytes_to_host += bytes;
    operation_add(operation, piece);
    return CUDA_SUCCESS;
}

static CUresult send(struct operation *operation, CUresult result, struct stream *stream) {
    if (result == CUDA_SUCCESS) return enqueue(stream, operation);
    operation_discard(operation);
    return result;
}

static CUresult copy_one(
    enum side to_side, uint64_t to, enum side from_side, uint64_t from, size_t bytes, CUstream handle, bool between_peers) {
    struct stream *stream;
    CUresult result = stream_find(handle, &stream);
    if (result != CUDA_SUCCESS) return result;
    struct operation *operation = operation_create(COPY);
    result = add_copy(operation, to_side, to, from_side, from, bytes);
    if (between_peers) operation->bytes_to_host += bytes;
    return send(operation, result, stream);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr destination, const void *source, size_t bytes, CUstream stream) {
    ENTER(cuMemcpyHtoDAsync_v2, CONTEXT);
    return leave(copy_one(DEVICE_SIDE, destination, HOST_SIDE, (uint64_t)source, bytes, stream, false));
}

CUresult cuMemcpyDtoHAsync_v2(void *destination, CUdeviceptr source, size_t bytes, CUstream stream) {
    ENTER(cuMemcpyDtoHAsync_v2, CONTEXT);
    return leave(copy_one(HOST_SIDE, (uint64_t)destination, DEVICE_SIDE, source, bytes, stream, false));
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
    ENTER(cuMemcpyDtoDAsync_v2, CONTEXT);
    return leave(copy_one(DEVICE_SIDE, destination, DEVICE_SIDE, source, bytes, stream, false));
}

CUresult cuMemcpyPeerAsync(CUdeviceptr destination, CUcontext destinationContext, CUdeviceptr source,
    CUcontext sourceContext, size_t bytes, CUstream stream) {
    ENTER(cuMemcpyPeerAsync, CONTEXT);
    int to, from;
    CUresult result = context_device(destinationContext, &to);
    if (result == CUDA_SUCCESS) result = context_device(sourceContext, &from);
    if (result == CUDA_SUCCESS) result = devices[to].sticky != CUDA_SUCCESS ? devices[to].sticky : devices[from].sticky;
    if (result != CUDA_SUCCESS) return leave(result);
    return leave(copy_one(DEVICE_SIDE, destination, DEVICE_SIDE, source, bytes, stream, to != from));
}

static bool side_of(unsigned int type, const void *host, CUdeviceptr device, enum side *side, uint64_t *address) {
    *side = type == CU_MEMORYTYPE_HOST ? HOST_SIDE : DEVICE_SIDE;
    *address = type == CU_MEMORYTYPE_HOST ? (uint64_t)host : device;
    return type == CU_MEMORYTYPE_HOST || type == CU_MEMORYTYPE_DEVICE;
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, CUstream stream) {
    ENTER(cuMemcpy2DAsync_v2, CONTEXT);
    enum side to_side, from_side;
    uint64_t to, from;
    struct stream *on;
    CUresult result = stream_find(stream, &on);
    if (result != CUDA_SUCCESS) return leave(result);
    if (copy == NULL || !side_of(copy->srcMemoryType, copy->srcHost, copy->srcDevice, &from_side, &from)
        || !side_of(copy->dstMemoryType, copy->dstHost, copy->dstDevice, &to_side, &to)) {
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    bool wide = copy->Height > 1;
    if (wide && (copy->srcPitch < copy->srcXInBytes + copy->WidthInBytes
                    || copy->dstPitch < copy->dstXInBytes + copy->WidthInBytes)) {
        return leave(CUDA_ERROR_INVALID_VALUE);
    }
    struct operation *operation = operation_create(COPY);
    for (size_t row = 0; row < copy->Height && result == CUDA_SUCCESS; row++) {
        result = add_copy(operation, to_side, to + (copy->dstY + row) * copy->dstPitch + copy->dstXInBytes, from_side,
            from + (copy->srcY + row) * copy->srcPitch + copy->srcXInBytes, copy->WidthInBytes);
    }
    return leave(send(operation, result, on));
}

CUresult cuMemsetD8Async(CUdeviceptr destination, unsigned char value, size_t bytes, CUstream stream) {
    ENTER(cuMemsetD8Async, CONTEXT);
    struct piece piece = {.bytes = bytes, .value = value};
    struct stream *on;
    bool pageable;
    CUresult result = stream_find(stream, &on);
    if (result != CUDA_SUCCESS) return leave(result);
    struct operation *operation = operation_create(COPY);
    if (bytes > 0) result = resolve(operation, DEVICE_SIDE, destination, bytes, &piece.to, &pageable);
    if (result == CUDA_SUCCESS && bytes > 0) operation_add(operation, piece);
    return leave(send(operation, result, on));
}

/* ---- Many copies in one call ---- */

struct batch {
    CUdeviceptr *destinations;
    CUdeviceptr *sources;
    size_t *sizes;
    size_t count;
    CUmemcpyAttributes *attributes;
    size_t *attributes_from;
    size_t attributes_count;
};

static bool attributes_are_right(const struct batch *batch) {
    if (batch->attributes == NULL || batch->attributes_from == NULL || batch->attributes_count == 0
        || batch->attributes_count > batch->count || batch->attributes_from[0] != 0) {
        return false;
    }
    for (size_t i = 0; i < batch->attributes_count; i++) {
        int order = batch->attributes[i].srcAccessOrder;
        if (order < CU_MEMCPY_SRC_ACCESS_ORDER_STREAM || order > 3) return false;
        if (i > 0 && batch->attributes_from[i] <= batch->attributes_from[i - 1]) return false;
        if (batch->attributes_from[i] >= batch->count) return false;
    }
    return true;
}

/* The default stream takes no batches. */
static CUresult copy_batch(const struct batch *batch, CUstream handle, size_t *failed) {
    struct stream *stream;
    *failed = SIZE_MAX;
    if ((uint64_t)handle <= 1) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = stream_find(handle, &stream);
    if (result != CUDA_SUCCESS) return result;
    if (batch->destinations == NULL || batch->sources == NULL || batch->sizes == NULL || batch->count == 0
        || !attributes_are_right(batch)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    struct operation *operation = operation_create(COPY);
    for (size_t i = 0; i < batch->count && result == CUDA_SUCCESS; i++) {
        result = batch->sizes[i] == 0 ? CUDA_ERROR_INVALID_VALUE
                                      : add_copy(operation, EITHER_SIDE, batch->destinations[i], EITHER_SIDE,
                                            batch->sources[i], batch->sizes[i]);
        if (result != CUDA_SUCCESS) *failed = i;
    }
    return send(operation, result, stream);
}

CUresult cuMemcpyBatchAsync(CUdeviceptr *destinations, CUdeviceptr *sources, size_t *sizes, size_t count,
    CUmemcpyAttributes *attributes, size_t *attributesFrom, size_t attributesCount, size_t *failed, CUstream stream) {
    ENTER(cuMemcpyBatchAsync, CONTEXT);
    struct batch batch = {destinations, sources, sizes, count, attributes, attributesFrom, attributesCount};
    size_t index;
    CUresult result = copy_batch(&batch, stream, &index);
    if (result != CUDA_SUCCESS && failed != NULL) *failed = index;
    return leave(result);
}

CUresult cuMemcpyBatchAsync_v2(CUdeviceptr *destinations, CUdeviceptr *sources, size_t *sizes, size_t count,
    CUmemcpyAttributes *attributes, size_t *attributesFrom, size_t attributesCount, CUstream stream) {
    ENTER(cuMemcpyBatchAsync_v2, CONTEXT);
    struct batch batch = {destinations, sources, sizes, count, attributes, attributesFrom, attributesCount};
    size_t index;
    return leave(copy_batch(&batch, stream, &index));
}
