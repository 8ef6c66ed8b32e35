/**
 * What every device promises about its memory: arenas of pages within a budget, and batches of block copies whose end
 * is a signal. The arenas of all caches, replicas and shards, the accounting that devices share, and a wrapper that
 * injects faults live here too. Nothing here knows sequences, hashes or block states, and no third-party type may enter.
 */
@NullMarked
package io.kvflux.memory;

import org.jspecify.annotations.NullMarked;
