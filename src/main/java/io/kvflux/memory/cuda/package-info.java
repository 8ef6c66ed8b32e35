/**
 * The device that is graphics processors, through the CUDA driver: the only package that sees JNA. A call of the driver costs
 * some 50 ns and no garbage. Scheduling is not known here.
 */
@NullMarked
package io.kvflux.memory.cuda;

import org.jspecify.annotations.NullMarked;
