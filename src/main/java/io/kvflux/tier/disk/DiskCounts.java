package io.kvflux.tier.disk;

/**
 * What a store did since it was opened.
 *
 * @param written pages written
 * @param noRoom writes for which there was no room
 * @param hits pages read
 * @param missing reads of slots that were empty or held another page
 * @param corrupt reads of slots that were damaged
 */
public record DiskCounts(long written, long noRoom, long hits, long missing, long corrupt) {}
