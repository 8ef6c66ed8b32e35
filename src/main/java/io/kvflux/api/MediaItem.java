package io.kvflux.api;

import java.util.Arrays;

/**
 * An image, sound or other item whose placeholder tokens stand in a prompt. Pages it overlaps are shared only with
 * prompts that hold the same content there.
 *
 * <p>A page is known by its tokens and the contents that it overlaps. So the placeholder must be a token that stands for
 * nothing else, and a content must always have the same length: then the tokens tell where each item begins.
 *
 * @param offset position of its first placeholder token in the prompt
 * @param length placeholder tokens, at least 1
 * @param contentHash 32 bytes that stand for the content, such as its SHA-256
 */
public record MediaItem(int offset, int length, byte[] contentHash) {

    /** Bytes of a content hash. */
    public static final int HASH_BYTES = 32;

    /**
     * Checks and copies.
     *
     * @param offset at least 0
     * @param length at least 1
     * @param contentHash exactly 32 bytes
     * @throws IllegalArgumentException if one is not
     */
    public MediaItem {
        if (offset < 0 || length <= 0 || offset > Integer.MAX_VALUE - length) {
            throw new IllegalArgumentException(
                    "a media item needs offset >= 0 and length > 0, offset=" + offset + ", length=" + length);
        }
        if (contentHash.length != HASH_BYTES) {
            throw new IllegalArgumentException(
                    "a media item's content hash has " + HASH_BYTES + " bytes, length=" + contentHash.length);
        }
        contentHash = contentHash.clone();
    }

    /** {@return a copy of the 32 bytes} */
    @Override
    public byte[] contentHash() {
        return contentHash.clone();
    }

    /** {@return the position after its last placeholder token} */
    public int end() {
        return offset + length;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MediaItem item
                && offset == item.offset
                && length == item.length
                && Arrays.equals(contentHash, item.contentHash);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * offset + length) + Arrays.hashCode(contentHash);
    }
}
