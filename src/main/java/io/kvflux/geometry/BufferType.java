package io.kvflux.geometry;

import java.util.List;

/**
 * A step input that the step writes, such as the pages of a cache.
 *
 * @param name the input's name within its cache and device
 * @param dtype element type
 * @param dims dimensions, outermost first; copied
 * @param device where it must lie
 */
public record BufferType(String name, DType dtype, List<Dim> dims, DeviceRef device) implements InputType {

    /**
     * Makes the value, with a copy of the list.
     *
     * @param name the input's name within its cache and device
     * @param dtype element type
     * @param dims dimensions, outermost first; copied
     * @param device where it must lie
     */
    public BufferType {
        dims = List.copyOf(dims);
    }
}
