package io.kvflux.geometry;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Several caches that hold KV of the same sequences, such as a target's and its drafter's: an immutable value whose block
 * costs the sum over all of them. What they share is checked when it is made and answered by the first.
 */
public final class MultiKvCacheParams implements KvCacheGeometry {

    private final List<KvCacheParams> params;
    private final long bytesPerBlock;
    private final long hostBytesPerBlock;

    private MultiKvCacheParams(List<KvCacheParams> params) {
        this.params = params;
        this.bytesPerBlock = Check.sum(
                "sum of bytesPerBlock over the caches",
                params.stream().mapToLong(KvCacheParams::bytesPerBlock).toArray());
        this.hostBytesPerBlock = Check.sum(
                "sum of hostBytesPerBlock over the caches",
                params.stream().mapToLong(KvCacheParams::hostBytesPerBlock).toArray());
    }

    /**
     * Puts caches together.
     *
     * @param params one or more, which agree on all they share
     * @return their common geometry
     * @throws IllegalArgumentException when there is none, or when two disagree; the message ends with the values found
     */
    public static MultiKvCacheParams fromParams(KvCacheParams... params) {
        return fromParams(List.of(params));
    }

    /**
     * Puts caches together.
     *
     * @param params one or more, which agree on all they share; copied
     * @return their common geometry
     * @throws IllegalArgumentException when there is none, or when two disagree; the message ends with the values found
     */
    public static MultiKvCacheParams fromParams(List<KvCacheParams> params) {
        if (params.isEmpty()) {
            throw new IllegalArgumentException("MultiKvCacheParams requires at least one param, params=[]");
        }
        List<KvCacheParams> copy = List.copyOf(params);
        checkAgreement(copy);
        return new MultiKvCacheParams(copy);
    }

    private static void checkAgreement(List<KvCacheParams> params) {
        same(params, "page size", KvCacheParams::pageSize);
        same(params, "data parallel degree", KvCacheParams::dataParallelDegree);
        same(params, "number of devices", KvCacheParams::numDevices);
        same(params, "KV connector", KvCacheParams::kvConnector);
        same(params, "host_kvcache_swap_space_gb", KvCacheParams::hostKvCacheSwapSpaceGb);
        same(params, "speculative method", KvCacheParams::speculativeMethod);
        same(params, "number of draft tokens", KvCacheParams::numDraftTokens);
        same(params, "devices", KvCacheParams::devices);
        same(params, "prefix caching", KvCacheParams::enablePrefixCaching);
        same(params, "hash algorithm", KvCacheParams::hashAlgorithm);
        same(params, "hash seed", KvCacheParams::hashSeed);
    }

    private static void same(
            List<KvCacheParams> params, String what, Function<KvCacheParams, @Nullable Object> property) {
        Set<Object> found = new LinkedHashSet<>();
        for (KvCacheParams each : params) {
            Object value = property.apply(each);
            found.add(value == null ? "absent" : value);
        }
        if (found.size() > 1) {
            throw new IllegalArgumentException("All caches must have the same " + what + ", found " + found);
        }
    }

    private KvCacheParams first() {
        return params.get(0);
    }

    @Override
    public List<KvCacheParams> params() {
        return params;
    }

    @Override
    public long bytesPerBlock() {
        return bytesPerBlock;
    }

    @Override
    public long hostBytesPerBlock() {
        return hostBytesPerBlock;
    }

    @Override
    public boolean replicatesKvAcrossTp() {
        return params.stream().allMatch(KvCacheParams::replicatesKvAcrossTp);
    }

    /**
     * Declares the typed inputs a step needs, for every cache, replica and shard in that nesting.
     *
     * @param prefix dimensions of cache i are named {@code prefix + "cache" + i + "_" + ...}, but for the shared
     *     {@code total_num_pages}; may be empty
     * @return the inputs, with named dimensions where the extent is known only at a step
     */
    @Override
    public KvCacheInputs symbolicInputs(String prefix) {
        List<String> prefixes = IntStream.range(0, params.size())
                .mapToObj(i -> prefix + "cache" + i + "_")
                .toList();
        return SymbolicInputs.of(params, prefixes);
    }

    @Override
    public int pageSize() {
        return first().pageSize();
    }

    @Override
    public List<DeviceRef> devices() {
        return first().devices();
    }

    @Override
    public int dataParallelDegree() {
        return first().dataParallelDegree();
    }

    @Override
    public boolean enablePrefixCaching() {
        return first().enablePrefixCaching();
    }

    @Override
    public KvConnectorType kvConnector() {
        return first().kvConnector();
    }

    @Override
    public @Nullable Double hostKvCacheSwapSpaceGb() {
        return first().hostKvCacheSwapSpaceGb();
    }

    @Override
    public @Nullable SpeculativeMethod speculativeMethod() {
        return first().speculativeMethod();
    }

    @Override
    public int numDraftTokens() {
        return first().numDraftTokens();
    }

    @Override
    public HashAlgorithm hashAlgorithm() {
        return first().hashAlgorithm();
    }

    @Override
    public HashSeed hashSeed() {
        return first().hashSeed();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MultiKvCacheParams multi && params.equals(multi.params);
    }

    @Override
    public int hashCode() {
        return params.hashCode();
    }

    @Override
    public String toString() {
        return "MultiKvCacheParams" + params;
    }
}
