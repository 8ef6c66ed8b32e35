package io.kvflux.geometry;

/** An element type of a cache, of its scales, or of a step input. */
public enum DType {
    /** IEEE 754 binary32, 4 bytes. */
    FLOAT32(4, true),
    /** IEEE 754 binary16, 2 bytes. */
    FLOAT16(2, true),
    /** The upper half of a binary32, 2 bytes. */
    BFLOAT16(2, true),
    /** 8-bit float, 4 exponent bits, finite values and NaN only, 1 byte. */
    FLOAT8_E4M3FN(1, true),
    /** As {@link #FLOAT8_E4M3FN} without a negative zero, 1 byte. */
    FLOAT8_E4M3FNUZ(1, true),
    /** Signed 8-bit integer, 1 byte. */
    INT8(1, true),
    /** 8 exponent bits and nothing else, 1 byte; for scales only. */
    FLOAT8_E8M0FNU(1, false),
    /** Unsigned 32-bit integer, 4 bytes; for step inputs only. */
    UINT32(4, false),
    /** Signed 64-bit integer, 8 bytes; for step inputs only. */
    INT64(8, false);

    private final int bytes;
    private final boolean holdsKv;

    DType(int bytes, boolean holdsKv) {
        this.bytes = bytes;
        this.holdsKv = holdsKv;
    }

    /** {@return the size of one element, in bytes} */
    public int bytes() {
        return bytes;
    }

    /** {@return whether keys and values may be stored in this type} */
    public boolean holdsKv() {
        return holdsKv;
    }

    /** {@return whether quantisation scales may be stored in this type} */
    public boolean holdsScales() {
        return switch (this) {
            case FLOAT32, FLOAT16, BFLOAT16, FLOAT8_E8M0FNU -> true;
            default -> false;
        };
    }
}
