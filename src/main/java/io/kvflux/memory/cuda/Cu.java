package io.kvflux.memory.cuda;

/** Numbers of the driver under their names in cuda.h. */
final class Cu {

    private Cu() {}

    static final int CUDA_SUCCESS = 0;
    static final int CUDA_ERROR_INVALID_VALUE = 1;
    static final int CUDA_ERROR_OUT_OF_MEMORY = 2;
    static final int CUDA_ERROR_NOT_INITIALIZED = 3;
    static final int CUDA_ERROR_NO_DEVICE = 100;
    static final int CUDA_ERROR_NOT_READY = 600;
    static final int CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED = 704;
    static final int CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED = 712;
    static final int CUDA_ERROR_LAUNCH_FAILED = 719;
    static final int CUDA_ERROR_NOT_SUPPORTED = 801;
    static final int CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16;
    static final int CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT = 40;
    static final int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
    static final int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;
    static final int CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED = 102;
    static final int CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED = 115;
    static final int CU_MEMHOSTREGISTER_PORTABLE = 1;
    static final int CU_MEMHOSTREGISTER_DEVICEMAP = 2;
    static final int CU_MEMHOSTALLOC_PORTABLE = 1;
    static final int CU_MEMHOSTALLOC_DEVICEMAP = 2;
    static final int CU_STREAM_NON_BLOCKING = 1;
    static final int CU_EVENT_DEFAULT = 0;
    static final int CU_EVENT_DISABLE_TIMING = 2;
    static final int CU_MEMORYTYPE_HOST = 1;
    static final int CU_MEMORYTYPE_DEVICE = 2;
    static final int CU_MEM_ALLOCATION_TYPE_PINNED = 1;
    static final int CU_MEM_LOCATION_TYPE_DEVICE = 1;
    static final int CU_MEM_ALLOC_GRANULARITY_MINIMUM = 0;
    static final int CU_MEM_ACCESS_FLAGS_PROT_READWRITE = 3;
    static final int CU_MEMCPY_SRC_ACCESS_ORDER_STREAM = 1;
    static final int CUDA_ERROR_ECC_UNCORRECTABLE = 214;
    static final int CUDA_ERROR_NVLINK_UNCORRECTABLE = 220;
    static final int CUDA_ERROR_ILLEGAL_ADDRESS = 700;
    static final int CUDA_ERROR_LAUNCH_TIMEOUT = 702;
    static final int CUDA_ERROR_CONTEXT_IS_DESTROYED = 709;
    static final int CUDA_ERROR_HARDWARE_STACK_ERROR = 714;
    static final int CUDA_ERROR_UNKNOWN = 999;
    static final int CU_STREAM_CAPTURE_MODE_RELAXED = 2;
}
