package io.kvflux.geometry;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one cache ({@link KvCacheParams}) and several caches of the same sequences ({@link MultiKvCacheParams}) share:
 * how large a block is, over which devices it is spread, and how many fit.
 *
 * <p>A <em>block</em> is the unit the scheduler allocates: one id, one position in a block table. A <em>page</em> is the
 * part of a block that one cache keeps on one device; block {@code b} owns page {@code b} of every cache on every device
 * of its replica. A <em>replica</em> is a group of devices that serve the same sequences.
 */
public sealed interface KvCacheGeometry permits KvCacheParams, MultiKvCacheParams {

    /** {@return the caches in order, unmodifiable, at least one} */
    List<KvCacheParams> params();

    /** {@return tokens in one page, the same for all caches} */
    int pageSize();

    /** {@return bytes of one block: the sum over all caches and all devices of one replica} */
    long bytesPerBlock();

    /** {@return bytes of one block on the host, where pages that are the same on every device are stored once} */
    long hostBytesPerBlock();

    /** {@return whether every device of a replica holds identical KV, in every cache} */
    boolean replicatesKvAcrossTp();

    /**
     * Declares the typed inputs a step needs, for every cache, replica and shard in that nesting.
     *
     * @param prefix put before the name of every dimension but the shared {@code total_num_pages}; may be empty
     * @return the inputs, with named dimensions where the extent is known only at a step
     */
    KvCacheInputs symbolicInputs(String prefix);

    /** {@return the devices of all replicas: consecutive groups of {@link #tensorParallelDegree()}, unmodifiable} */
    List<DeviceRef> devices();

    /** {@return how many replicas there are} */
    int dataParallelDegree();

    /** {@return whether full pages may be found again by later sequences} */
    boolean enablePrefixCaching();

    /** {@return where blocks go that leave the device} */
    KvConnectorType kvConnector();

    /** {@return GiB of host memory for swapped blocks of one replica, or null when absent} */
    @Nullable
    Double hostKvCacheSwapSpaceGb();

    /** {@return how draft tokens are made, or null when there are none} */
    @Nullable
    SpeculativeMethod speculativeMethod();

    /** {@return draft tokens of one iteration, 0 or more} */
    int numDraftTokens();

    /** {@return how the content of a page is named outside the process} */
    HashAlgorithm hashAlgorithm();

    /** {@return what the hash chain starts from} */
    HashSeed hashSeed();

    /** {@return the number of devices over all replicas} */
    default int numDevices() {
        return devices().size();
    }

    /** {@return the number of devices of one replica: numDevices / dataParallelDegree} */
    default int tensorParallelDegree() {
        return numDevices() / dataParallelDegree();
    }

    /**
     * Lists the devices of one replica.
     *
     * @param replica index from 0, below {@link #dataParallelDegree()}
     * @return its devices in shard order
     * @throws IllegalArgumentException when there is no such replica
     */
    default List<DeviceRef> devicesOfReplica(int replica) {
        if (replica < 0 || replica >= dataParallelDegree()) {
            throw new IllegalArgumentException("replica must be at least 0 and below dataParallelDegree, replica="
                    + replica + ", dataParallelDegree=" + dataParallelDegree());
        }
        int first = replica * tensorParallelDegree();
        return devices().subList(first, first + tensorParallelDegree());
    }

    /**
     * Tokens a sequence may hold beyond its length for drafts in flight: for N draft tokens 0 if N = 0, else 3N + 1, and
     * 1 more when the drafts are made in one step (N = 1, or a method that makes all in one).
     *
     * @return the slack in tokens
     */
    default long draftSlackTokens() {
        return Capacity.draftSlackTokens(speculativeMethod(), numDraftTokens());
    }

    /**
     * Counts the blocks that fit: floor(floor(availableBytes / dataParallelDegree) / bytesPerBlock).
     *
     * @param availableBytes KV memory over all devices of all replicas
     * @return usable blocks of one replica, at least 1
     * @throws InsufficientCacheMemoryException when not even one block fits
     * @throws IllegalArgumentException when the memory is negative
     */
    default long deviceBlocksPerReplica(long availableBytes) {
        return Capacity.deviceBlocks(this, availableBytes);
    }

    /**
     * Counts the blocks that fit and can be used: at most ceil((maxSeqLen + draft slack) / pageSize) for each sequence.
     *
     * @param availableBytes KV memory over all devices of all replicas
     * @param maxBatch most sequences of one replica at a time, at least 1
     * @param maxSeqLen most tokens of one sequence, at least 1
     * @return usable blocks of one replica, at least 1
     * @throws InsufficientCacheMemoryException when not even one block fits
     * @throws IllegalArgumentException when the memory is negative or a limit is below 1
     */
    default long deviceBlocksPerReplica(long availableBytes, long maxBatch, long maxSeqLen) {
        return Capacity.deviceBlocks(this, availableBytes, maxBatch, maxSeqLen);
    }

    /**
     * Prices a number of blocks: blocks * bytesPerBlock * dataParallelDegree.
     *
     * @param blocksPerReplica blocks of one replica, 0 or more
     * @return bytes over all devices of all replicas
     * @throws IllegalArgumentException when the number is negative or the bytes do not fit in 64 bits
     */
    default long estimatedMemoryBytes(long blocksPerReplica) {
        Check.notNegative("blocksPerReplica", blocksPerReplica);
        return Check.product(
                "blocksPerReplica * bytesPerBlock * dataParallelDegree",
                blocksPerReplica,
                bytesPerBlock(),
                dataParallelDegree());
    }

    /**
     * Finds the longest sequence that one replica holds when it is alone: max(1, blocks * pageSize - draft slack).
     *
     * @param availableBytes KV memory over all devices of all replicas
     * @return tokens, at least 1
     * @throws InsufficientCacheMemoryException when not even one block fits
     * @throws IllegalArgumentException when the memory is negative
     */
    default long longestSequenceTokens(long availableBytes) {
        return Capacity.longestSequenceTokens(this, availableBytes);
    }

    /**
     * Counts the blocks of one replica that the host budget holds.
     *
     * @return floor(hostKvCacheSwapSpaceGb * 2^30 / hostBytesPerBlock); 0 without a connector or without a budget
     * @throws InsufficientCacheMemoryException when there is a budget and not even one block fits
     */
    default long hostBlocksPerReplica() {
        return Capacity.hostBlocks(this);
    }
}
