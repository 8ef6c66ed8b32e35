package io.kvflux.sim;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.HashSeed;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.tier.disk.DiskLayout;
import io.kvflux.tier.disk.DiskStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A disk below the host of a replay, which keeps pages for the next replay with the same directory. Replays give their
 * pages names of their own, so that a scheduler with a real model never takes a pattern for KV.
 *
 * @param directory whose it is alone; made if there is none
 * @param size bytes that its files may have altogether
 * @param bytesPerSecond what it reads or writes, one transfer after another; counts in simulated time alone
 */
public record ReplayDisk(Path directory, DataSize size, double bytesPerSecond) {

    /** What a modest disk moves, in bytes a second. */
    public static final double DEFAULT_BYTES_PER_SECOND = 1L << 30;

    /** Pages that hold the pattern of their tokens. */
    static final HashSeed PATTERNS = seed("kvflux replay, pages of patterns");
    /** Pages that hold their tokens. */
    static final HashSeed TOKENS = seed("kvflux replay, pages with tokens");

    /**
     * Checks the bandwidth.
     *
     * @param directory whose it is alone; made if there is none
     * @param size bytes that its files may have altogether
     * @param bytesPerSecond positive and finite
     * @throws IllegalArgumentException if bytesPerSecond is not positive
     */
    public ReplayDisk {
        if (!(bytesPerSecond > 0) || Double.isInfinite(bytesPerSecond)) {
            throw new IllegalArgumentException(
                    "bytesPerSecond of a disk must be positive and finite, bytesPerSecond=" + bytesPerSecond);
        }
    }

    /**
     * Checks that the disk has room for a page.
     *
     * @param caches whose pages
     * @throws IllegalArgumentException if the size is too small, or too large for a disk store
     */
    public void requireRoom(MultiKvCacheParams caches) {
        DiskStore.slotsThatFit(DiskLayout.of(caches), size);
    }

    private static HashSeed seed(String text) {
        return HashSeed.of(text.getBytes(StandardCharsets.US_ASCII));
    }
}
