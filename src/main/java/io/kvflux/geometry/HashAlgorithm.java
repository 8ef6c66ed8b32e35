package io.kvflux.geometry;

/** How the content of a page is named outside the process (disk, distributed store, events). */
public enum HashAlgorithm {
    /** The SHA-256 chain, 32 bytes. */
    SHA_256,
    /** The first 8 bytes of the SHA-256 chain, big endian, for wires that want an integer. */
    SHA_256_64
}
