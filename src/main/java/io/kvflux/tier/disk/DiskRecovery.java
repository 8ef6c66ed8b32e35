package io.kvflux.tier.disk;

/**
 * What a store found in its directory when it was opened. Payloads are not read then: one that is damaged is found when
 * it is read.
 *
 * @param recovered slots with a page
 * @param torn slots that were being written when a process or the machine died; erased
 * @param corrupt slots whose record is damaged; erased
 * @param stale pages beyond the size, which was larger before; given up
 * @param damagedSegments segment files with a damaged header; deleted
 * @param foreignFiles files that are not the store's; left as they are
 */
public record DiskRecovery(int recovered, int torn, int corrupt, int stale, int damagedSegments, int foreignFiles) {}
