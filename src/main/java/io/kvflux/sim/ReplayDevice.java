package io.kvflux.sim;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.DeviceMemory;

/** Where the pages of a replay with memory are, in place of host memory. */
public interface ReplayDevice {

    /** {@return what a report calls it} */
    String name();

    /**
     * Opens it, for one replay.
     *
     * @param budget bytes of all pages
     * @return an open device; closed by the caller
     */
    DeviceMemory open(DataSize budget);
}
