package io.kvflux.tier.disk;

/** How writing a page ended. */
public enum DiskWrite {
    /** The page is in its slot. */
    WRITTEN,
    /** The slot has no place on the disk, because the disk is full or the file of its segment is not the store's. */
    NO_ROOM
}
