package io.kvflux.app;

/** What is evicted first. */
enum Eviction {
    LRU,
    ADAPTIVE
}
