/**
 * What becomes of content that leaves the device: which pages the host holds and which the disk below it, which go first
 * when one is full, and what a prompt finds there. Single-threaded, without clock, threads or I/O; a copy is a slot that is
 * reserved first and published when it has landed. Nothing here knows addresses, bytes or files.
 */
@NullMarked
package io.kvflux.tier;

import org.jspecify.annotations.NullMarked;
