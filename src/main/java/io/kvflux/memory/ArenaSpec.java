package io.kvflux.memory;

import io.kvflux.geometry.DeviceRef;
import java.util.Objects;

/**
 * What an arena is for, and its size.
 *
 * @param cache index of the cache among those of a sequence
 * @param replica data-parallel replica
 * @param shard tensor-parallel shard within the replica
 * @param device where the caches want it; for a device that is several
 * @param pages pages, the null block's page 0 included
 * @param pageBytes bytes of one page
 */
public record ArenaSpec(int cache, int replica, int shard, DeviceRef device, int pages, long pageBytes) {

    /** Every page begins at a multiple of this many bytes: a cache line, and what vector loads like. */
    public static final int ALIGNMENT = 64;

    /**
     * Checks the numbers.
     *
     * @param cache at least 0
     * @param replica at least 0
     * @param shard at least 0
     * @param device any
     * @param pages at least 1
     * @param pageBytes at least 1
     * @throws IllegalArgumentException if one is out of range, or the arena would not fit 2^63 bytes
     */
    public ArenaSpec {
        Objects.requireNonNull(device, "device");
        if (cache < 0 || replica < 0 || shard < 0 || pages < 1 || pageBytes < 1) {
            throw new IllegalArgumentException(
                    "an arena needs cache, replica and shard not negative, pages and pageBytes"
                            + " positive, cache=" + cache + ", replica=" + replica + ", shard=" + shard + ", pages="
                            + pages
                            + ", pageBytes=" + pageBytes);
        }
        if (pageBytes > (Long.MAX_VALUE - ALIGNMENT) / pages - ALIGNMENT) {
            throw new IllegalArgumentException(
                    "an arena must be smaller than 2^63 bytes, pages=" + pages + ", pageBytes=" + pageBytes);
        }
    }

    /** {@return bytes from the start of one page to the next: pageBytes rounded up to the alignment} */
    public long strideBytes() {
        return stride(pageBytes);
    }

    /** {@return bytes of the whole arena: what it takes of the device's budget} */
    public long bytes() {
        return strideBytes() * pages;
    }

    static long stride(long pageBytes) {
        return (pageBytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    @Override
    public String toString() {
        return "arena of cache " + cache + ", replica " + replica + ", shard " + shard;
    }
}
