package io.kvflux.api;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * The name of a page and of all that comes before it: 32 bytes of a SHA-256 chain over tokens, media, salt and adapter.
 * Equal names mean equal content, in every process that uses the same page size and hash seed. Immutable.
 */
public final class BlockHash {

    /** Bytes in a name. */
    public static final int BYTES = 32;

    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private final byte[] bytes;

    /**
     * A name.
     *
     * @param bytes 32 bytes; copied
     * @throws IllegalArgumentException if there are more or fewer
     */
    public BlockHash(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("a block hash has " + BYTES + " bytes, length=" + bytes.length);
        }
        this.bytes = bytes.clone();
    }

    /** {@return a copy of the 32 bytes} */
    public byte[] toBytes() {
        return bytes.clone();
    }

    /** {@return the first 8 bytes as a big-endian integer, for wires that want one (SHA_256_64)} */
    public long toLong() {
        return word(0);
    }

    /**
     * A quarter of the name, for those who keep names in arrays.
     *
     * @param index 0 to 3
     * @return bytes {@code 8 * index} to {@code 8 * index + 7} as a big-endian integer
     * @throws IndexOutOfBoundsException if there is no such quarter
     */
    public long word(int index) {
        return (long) WORDS.get(bytes, Long.BYTES * index);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof BlockHash hash && Arrays.equals(bytes, hash.bytes);
    }

    @Override
    public int hashCode() {
        return ByteBuffer.wrap(bytes).getInt();
    }

    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }
}
