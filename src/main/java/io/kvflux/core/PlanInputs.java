package io.kvflux.core;

import io.kvflux.api.StepInputs;
import io.kvflux.geometry.ExtentBindings;
import io.kvflux.geometry.KvCacheInputs;
import io.kvflux.geometry.KvCacheInputsPerDevice;
import java.util.Arrays;

/** The inputs of a step per replica; arrays grow to the largest step and are reused. */
final class PlanInputs implements StepInputs {

    private static final int NULL_BLOCK = 0;
    private static final int MAX_LENGTHS = 2;

    private final KvCacheInputs declared;
    private final boolean check;
    private final int[] batchSize;
    private final int[] maxNumPages;
    private final int[][] cacheLengths;
    private final int[][] lookupTable;
    private final int[][] maxLengths;

    PlanInputs(SchedulerConfig config) {
        int replicas = config.replicas();
        declared = config.caches().symbolicInputs("");
        check = config.verifyInvariants();
        batchSize = new int[replicas];
        maxNumPages = new int[replicas];
        cacheLengths = new int[replicas][0];
        lookupTable = new int[replicas][0];
        maxLengths = new int[replicas][MAX_LENGTHS];
    }

    @Override
    public int batchSize(int replica) {
        return batchSize[replica];
    }

    @Override
    public int maxNumPages(int replica) {
        return maxNumPages[replica];
    }

    @Override
    public int[] cacheLengths(int replica) {
        return cacheLengths[replica];
    }

    @Override
    public int[] lookupTable(int replica) {
        return lookupTable[replica];
    }

    @Override
    public int[] maxLengths(int replica) {
        return maxLengths[replica];
    }

    void fill(StepPlan plan) {
        for (int replica = 0; replica < batchSize.length; replica++) {
            fill(replica, plan.parts[replica]);
        }
        if (check) {
            checkExtents(declared, this);
        }
    }

    /**
     * Holds a step's inputs against the declared types, for every cache, replica and shard: a dimension has one extent
     * wherever it occurs, and an array holds as much as its extents say.
     */
    static void checkExtents(KvCacheInputs declared, StepInputs inputs) {
        ExtentBindings bindings = new ExtentBindings();
        for (KvCacheInputsPerDevice device : declared.perDevice()) {
            int replica = device.replica();
            int batch = inputs.batchSize(replica);
            int pages = inputs.maxNumPages(replica);
            bindings.bind(device.cacheLengths(), device.describe(device.cacheLengths()), batch);
            bindings.bind(device.lookupTable(), device.describe(device.lookupTable()), batch, pages);
            bindings.bind(
                    device.maxLengths(),
                    device.describe(device.maxLengths()),
                    inputs.maxLengths(replica).length / MAX_LENGTHS,
                    MAX_LENGTHS);
            requireRoom(device.describe(device.cacheLengths()), inputs.cacheLengths(replica).length, batch);
            requireRoom(
                    device.describe(device.lookupTable()), inputs.lookupTable(replica).length, (long) batch * pages);
        }
    }

    private static void requireRoom(String where, int length, long extent) {
        if (length < extent) {
            throw new IllegalArgumentException(
                    "an array must hold its extents, length=" + length + ", extent=" + extent + " in " + where);
        }
    }

    private void fill(int replica, EntryList entries) {
        int columns = 0;
        int longestChunk = 0;
        int longestCache = 0;
        for (int i = 0; i < entries.size; i++) {
            columns = Math.max(columns, entries.blockCounts[i]);
            longestChunk = Math.max(longestChunk, entries.counts[i]);
            longestCache = Math.max(longestCache, entries.starts[i]);
        }
        batchSize[replica] = entries.size;
        maxNumPages[replica] = columns;
        maxLengths[replica][0] = longestChunk;
        maxLengths[replica][1] = longestCache;
        if (cacheLengths[replica].length < entries.size) {
            cacheLengths[replica] = new int[2 * entries.size];
        }
        System.arraycopy(entries.starts, 0, cacheLengths[replica], 0, entries.size);
        int cells = Math.multiplyExact(entries.size, columns);
        if (lookupTable[replica].length < cells) {
            lookupTable[replica] = new int[cells + (cells >> 1)];
        }
        for (int i = 0; i < entries.size; i++) {
            int row = i * columns;
            System.arraycopy(entries.blocks[i], 0, lookupTable[replica], row, entries.blockCounts[i]);
            Arrays.fill(lookupTable[replica], row + entries.blockCounts[i], row + columns, NULL_BLOCK);
        }
    }
}
