/**
 * What every device promises: arenas of pages, copies between blocks, completion as a signal. Addresses live here, and
 * nothing above a block's id is known: no hashes, no sequences. No device is implemented here.
 */
@NullMarked
package io.kvflux.memory;

import org.jspecify.annotations.NullMarked;
