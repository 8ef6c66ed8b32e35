/**
 * The device that is plain host memory: the default of an embedded scheduler, and what runs where there is no GPU. It
 * copies with the processor, on the thread that asks. Scheduling is not known here.
 */
@NullMarked
package io.kvflux.memory.host;

import org.jspecify.annotations.NullMarked;
