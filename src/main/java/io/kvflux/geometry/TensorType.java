package io.kvflux.geometry;

import java.util.List;

/**
 * A step input that the step only reads.
 *
 * @param name the input's name within its cache and device
 * @param dtype element type
 * @param dims dimensions, outermost first; copied
 * @param device where it must lie
 */
public record TensorType(String name, DType dtype, List<Dim> dims, DeviceRef device) implements InputType {

    /**
     * Makes the value, with a copy of the list.
     *
     * @param name the input's name within its cache and device
     * @param dtype element type
     * @param dims dimensions, outermost first; copied
     * @param device where it must lie
     */
    public TensorType {
        dims = List.copyOf(dims);
    }
}
