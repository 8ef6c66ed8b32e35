/**
 * Blocks as ids: the pool, reference counts, the prefix index confirmed by content, block tables, fences, and the
 * eviction policy SPI. Everything is single-threaded and kept in primitive arrays. Nothing here knows addresses,
 * bytes, sequences' lengths to come, or the order in which sequences run.
 */
@NullMarked
package io.kvflux.block;

import org.jspecify.annotations.NullMarked;
