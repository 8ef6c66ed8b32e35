package io.kvflux.memory.cuda;

/** Offsets of what is written into the driver's structures; native-stubs/driver.def is what they are compared with. */
final class Layouts {

    /** CUmemAllocationProp. */
    static final int ALLOCATION_BYTES = 32;

    static final int ALLOCATION_TYPE = 0;
    static final int ALLOCATION_LOCATION_TYPE = 8;
    static final int ALLOCATION_LOCATION_ID = 12;

    /** CUmemAccessDesc. */
    static final int ACCESS_BYTES = 12;

    static final int ACCESS_LOCATION_TYPE = 0;
    static final int ACCESS_LOCATION_ID = 4;
    static final int ACCESS_FLAGS = 8;

    /** CUDA_MEMCPY2D. */
    static final int COPY_BYTES = 128;

    static final int COPY_SOURCE_TYPE = 16;
    static final int COPY_SOURCE_HOST = 24;
    static final int COPY_SOURCE_DEVICE = 32;
    static final int COPY_SOURCE_PITCH = 48;
    static final int COPY_DESTINATION_TYPE = 72;
    static final int COPY_DESTINATION_HOST = 80;
    static final int COPY_DESTINATION_DEVICE = 88;
    static final int COPY_DESTINATION_PITCH = 104;
    static final int COPY_WIDTH = 112;
    static final int COPY_HEIGHT = 120;

    /** CUmemcpyAttributes. */
    static final int ATTRIBUTES_BYTES = 24;

    static final int ATTRIBUTES_ORDER = 0;

    private Layouts() {}
}
