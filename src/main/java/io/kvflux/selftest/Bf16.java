package io.kvflux.selftest;

/** BFLOAT16 is the upper half of a FLOAT32; rounding is to nearest, ties to even. */
final class Bf16 {

    private static final int QUIET = 0x40;

    private Bf16() {}

    static short of(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | QUIET); // else rounding could make an infinity of it
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    static float round(float value) {
        return toFloat(of(value));
    }
}
