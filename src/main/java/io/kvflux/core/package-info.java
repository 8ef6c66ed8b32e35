/**
 * The scheduling state machine: sequences, admission, batching, preemption and step plans over one block pool per
 * replica. It is pure: no thread, no clock, no I/O; signals and results come in as arguments, steps and events go out
 * as values. The same code runs under the virtual clock of replay, under the seeded adversary of the tests, and
 * inside the reactive shell.
 */
@NullMarked
package io.kvflux.core;

import org.jspecify.annotations.NullMarked;
