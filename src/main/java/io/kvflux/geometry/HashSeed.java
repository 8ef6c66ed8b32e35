package io.kvflux.geometry;

import java.util.Arrays;
import java.util.HexFormat;

/** The 32 bytes a hash chain starts from: an immutable value, compared by content. */
public final class HashSeed {

    /** Length of every seed, in bytes. */
    public static final int LENGTH_BYTES = 32;

    /** 32 zero bytes: the root of a chain for which no seed was chosen. */
    public static final HashSeed ZERO = new HashSeed(new byte[LENGTH_BYTES]);

    private final byte[] bytes;

    private HashSeed(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * Makes a seed from a copy of the given bytes.
     *
     * @param bytes exactly 32 bytes
     * @return the seed
     * @throws IllegalArgumentException when the length is not 32
     */
    public static HashSeed of(byte[] bytes) {
        if (bytes.length != LENGTH_BYTES) {
            throw new IllegalArgumentException(
                    "hash seed must be " + LENGTH_BYTES + " bytes long, lengthBytes=" + bytes.length);
        }
        return new HashSeed(bytes.clone());
    }

    /** {@return a copy of the 32 bytes} */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof HashSeed seed && Arrays.equals(bytes, seed.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** {@return the bytes as 64 hexadecimal digits} */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }
}
