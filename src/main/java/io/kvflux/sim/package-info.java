/**
 * Replay without a GPU: trace readers, the synthetic workload, step cost models, the simulated executor under a
 * virtual clock, and the summary it yields. Needs the optional Jackson dependency. Nothing here prints.
 */
@NullMarked
package io.kvflux.sim;

import org.jspecify.annotations.NullMarked;
