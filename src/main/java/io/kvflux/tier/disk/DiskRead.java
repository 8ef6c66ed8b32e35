package io.kvflux.tier.disk;

/** How reading a page ended. */
public enum DiskRead {
    /** The page has been read, and is what was written. */
    HIT,
    /** The slot is empty or holds another page. */
    MISSING,
    /** What the slot holds is not what was written; the slot has been erased. */
    CORRUPT
}
