/**
 * Off-heap regions of the host with every access checked, and the gauge of what is allocated. This is the only package
 * that may see Chronicle, whose own memory access checks no bounds. Nothing here knows pages, blocks or devices' rules.
 */
@NullMarked
package io.kvflux.memory.chronicle;

import org.jspecify.annotations.NullMarked;
