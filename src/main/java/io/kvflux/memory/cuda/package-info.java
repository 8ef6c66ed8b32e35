/** Blocks in the memory of CUDA devices, by the driver's own interface. */
@NullMarked
package io.kvflux.memory.cuda;

import org.jspecify.annotations.NullMarked;
