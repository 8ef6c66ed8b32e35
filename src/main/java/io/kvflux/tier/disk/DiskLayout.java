package io.kvflux.tier.disk;

import io.kvflux.geometry.HashAlgorithm;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.KvCacheQuantization;
import io.kvflux.geometry.MultiKvCacheParams;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.stream.Collectors;

/**
 * What the bytes of a page mean: two stores may share their files only if their layouts are equal. The number of replicas
 * does not count, because every replica's pages look the same; nor does the hash seed, which is in the pages' names.
 *
 * <p>Nor does the model, which the geometry does not know: models with the same geometry need directories, or hash
 * seeds, of their own.
 *
 * @param form every cache's types, shapes and scales and the tensor-parallel degree, for people and for
 *     {@link #fingerprint}
 * @param pageSize tokens in a page
 * @param hashAlgorithm how pages are named outside the process
 * @param payloadBytes bytes of one page over all caches and shards, those stored once that are alike on all shards
 */
public record DiskLayout(String form, int pageSize, HashAlgorithm hashAlgorithm, long payloadBytes) {

    /** Bytes of a fingerprint. */
    static final int FINGERPRINT_BYTES = 32;

    /**
     * Checks the numbers.
     *
     * @param form every cache's types, shapes and scales and the tensor-parallel degree, for people and for
     *     {@link #fingerprint}
     * @param pageSize tokens in a page
     * @param hashAlgorithm how pages are named outside the process
     * @param payloadBytes bytes of one page over all caches and shards, those stored once that are alike on all shards
     * @throws IllegalArgumentException if a number is not positive
     */
    public DiskLayout {
        if (pageSize < 1 || payloadBytes < 1) {
            throw new IllegalArgumentException("pageSize and payloadBytes must be positive, pageSize=" + pageSize
                    + ", payloadBytes=" + payloadBytes);
        }
    }

    /**
     * The layout of a model's pages.
     *
     * @param params its caches
     * @return their layout
     */
    public static DiskLayout of(MultiKvCacheParams params) {
        String caches = params.params().stream().map(DiskLayout::form).collect(Collectors.joining(" + "));
        return new DiskLayout(
                caches + ", tensorParallelDegree=" + params.tensorParallelDegree(),
                params.pageSize(),
                params.hashAlgorithm(),
                params.hostBytesPerBlock());
    }

    /** Spelt out here: it must not change when some class decides to print itself differently. */
    private static String form(KvCacheParams params) {
        String values = params.attention().name() + " " + params.dtype().name() + params.shapePerBlock();
        KvCacheQuantization scales = params.quantization();
        return scales == null
                ? values
                : values + " scales " + scales.scaleDtype().name() + params.shapePerScaleBlock();
    }

    /**
     * A number for the layout that is the same in every process.
     *
     * @return 32 bytes: SHA-256 of {@link #toString}
     */
    public byte[] fingerprint() {
        try {
            return MessageDigest.getInstance("SHA-256").digest(toString().getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** {@return all of it in one line, which the fingerprint is made of} */
    @Override
    public String toString() {
        return form + ", pageSize=" + pageSize + ", hashAlgorithm=" + hashAlgorithm.name() + ", payloadBytes="
                + payloadBytes;
    }
}
