package io.kvflux.block;

import io.kvflux.api.MediaItem;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The name of a page outside this process (disk, distributed store, events): a SHA-256 chain,
 *
 * <pre>
 *   h_i  = SHA256( SHA256(tokens of page i as int32 little endian [, content hashes of its media]) || h_(i-1) )
 *   h_-1 = seed [XOR SHA256(salt)], then, with an adapter, SHA256("adapter" || 0x00 || adapter || that)
 * </pre>
 *
 * The index in memory does not need it: it compares content. Not thread-safe.
 */
public final class PrefixHasher {

    /** Bytes of a page's name. */
    public static final int HASH_BYTES = 32;

    private final MessageDigest sha256 = sha256();
    private final int pageSize;
    private final byte[] seed;

    /**
     * A hasher for pages of one size.
     *
     * @param pageSize tokens in a page, at least 1
     * @param seed 32 bytes that separate deployments, or null for zero bytes
     * @throws IllegalArgumentException if pageSize is not positive or the seed has another length
     */
    public PrefixHasher(int pageSize, byte @Nullable [] seed) {
        if (pageSize <= 0) {
            throw new IllegalArgumentException("pageSize must be positive, pageSize=" + pageSize);
        }
        if (seed != null && seed.length != HASH_BYTES) {
            throw new IllegalArgumentException("a seed has " + HASH_BYTES + " bytes, length=" + seed.length);
        }
        this.pageSize = pageSize;
        this.seed = seed == null ? new byte[HASH_BYTES] : seed.clone();
    }

    /**
     * What the first page of a scope is chained to.
     *
     * @param scope salt and adapter
     * @return 32 bytes
     */
    public byte[] root(PrefixScope scope) {
        byte[] root = seed.clone();
        if (scope.salt() != null) {
            byte[] salt = sha256.digest(scope.salt().getBytes(StandardCharsets.UTF_8));
            for (int i = 0; i < HASH_BYTES; i++) {
                root[i] ^= salt[i];
            }
        }
        if (scope.adapter() == null) {
            return root;
        }
        sha256.update("adapter".getBytes(StandardCharsets.UTF_8));
        sha256.update((byte) 0);
        sha256.update(scope.adapter().getBytes(StandardCharsets.UTF_8));
        return sha256.digest(root);
    }

    /**
     * Names one page.
     *
     * @param previous name of the page before it, or the {@link #root}
     * @param tokens the sequence's tokens
     * @param page page number, from 0; its last token must be in tokens
     * @param media all media items of the sequence; those that overlap the page count, in order of their offset
     * @return 32 bytes
     * @throws IllegalArgumentException if previous has another length than 32, or the page is not full
     */
    public byte[] next(byte[] previous, int[] tokens, int page, List<MediaItem> media) {
        requireHash(previous);
        if (page < 0 || (page + 1L) * pageSize > tokens.length) {
            throw new IllegalArgumentException("only full pages have a name, page=" + page + ", pageSize=" + pageSize
                    + ", tokens=" + tokens.length);
        }
        return next(
                previous, tokens, page * pageSize, PageKeys.of(media, pageSize).key(page));
    }

    /**
     * Names the page that begins at a token.
     *
     * @param previous name of the page before it, or the {@link #root}
     * @param tokens an array with its tokens
     * @param from index of the first
     * @param key what {@link PageKeys} gives it
     * @return 32 bytes
     */
    public byte[] next(byte[] previous, int[] tokens, int from, @Nullable Object key) {
        ByteBuffer bytes = ByteBuffer.allocate(pageSize * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(tokens, from, pageSize);
        sha256.update(bytes);
        if (key != null) {
            for (ByteBuffer contentHash : PageKeys.contentHashes(key)) {
                sha256.update(contentHash.duplicate());
            }
        }
        byte[] content = sha256.digest();
        sha256.update(content);
        return sha256.digest(previous);
    }

    /**
     * Shortens a name for wires that want an integer ({@code SHA_256_64}).
     *
     * @param hash a page's name
     * @return its first 8 bytes, big endian
     * @throws IllegalArgumentException if the name has another length than 32
     */
    public static long toLong(byte[] hash) {
        requireHash(hash);
        return ByteBuffer.wrap(hash).getLong();
    }

    private static void requireHash(byte[] hash) {
        if (hash.length != HASH_BYTES) {
            throw new IllegalArgumentException("a page's name has " + HASH_BYTES + " bytes, length=" + hash.length);
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
