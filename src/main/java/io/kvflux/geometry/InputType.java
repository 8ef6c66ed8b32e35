package io.kvflux.geometry;

import java.util.List;

/** The declared type of one step input. */
public sealed interface InputType permits BufferType, TensorType {

    /** {@return the input's name within its cache and device, such as {@code lookupTable}} */
    String name();

    /** {@return the element type} */
    DType dtype();

    /** {@return the dimensions, outermost first, unmodifiable} */
    List<Dim> dims();

    /** {@return where the input must lie} */
    DeviceRef device();
}
