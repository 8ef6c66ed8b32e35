package io.kvflux.geometry;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds the inputs of one step against their declared types: a dimension name has one extent, wherever it occurs. Not
 * safe for use by several threads.
 */
public final class ExtentBindings {

    private final Map<String, Bound> bound = new HashMap<>();

    private record Bound(long extent, String where) {}

    /** Starts with no dimension bound. */
    public ExtentBindings() {}

    /**
     * Binds a dimension, or checks it when it is bound already.
     *
     * @param dimension the name
     * @param extent its actual extent, 0 or more
     * @param where the input that has it, for messages
     * @throws IllegalArgumentException when the extent is negative, or differs from the one bound; the message names the
     *     dimension, both extents and both inputs
     */
    public void bind(String dimension, long extent, String where) {
        if (extent < 0) {
            throw new IllegalArgumentException(
                    "extent must not be negative, dimension=" + dimension + ", extent=" + extent + " in " + where);
        }
        Bound first = bound.putIfAbsent(dimension, new Bound(extent, where));
        if (first != null && first.extent != extent) {
            throw new IllegalArgumentException("a dimension must have one extent, dimension=" + dimension + ", extent="
                    + first.extent + " in " + first.where + ", extent=" + extent + " in " + where);
        }
    }

    /**
     * Checks an input's actual shape against its type, and binds its named dimensions.
     *
     * @param type the declared type
     * @param where the input, for messages; see {@link KvCacheInputsPerDevice#describe}
     * @param extents its actual extents, outermost first
     * @throws IllegalArgumentException when the rank or a fixed extent is not as declared, or a named one disagrees
     */
    public void bind(InputType type, String where, long... extents) {
        List<Dim> dims = type.dims();
        if (dims.size() != extents.length) {
            throw new IllegalArgumentException("an input must have the declared dimensions, declared=" + dims
                    + ", extents=" + Arrays.toString(extents) + " in " + where);
        }
        for (int i = 0; i < extents.length; i++) {
            bind(dims.get(i), i, extents[i], where);
        }
    }

    private void bind(Dim dim, int index, long extent, String where) {
        if (dim instanceof Dim.Named named) {
            bind(named.name(), extent, where);
        } else if (dim instanceof Dim.Fixed fixed && fixed.extent() != extent) {
            throw new IllegalArgumentException("a fixed dimension must have its declared extent, dimension " + index
                    + ", declared=" + fixed.extent() + ", extent=" + extent + " in " + where);
        }
    }

    /**
     * Looks up a bound dimension.
     *
     * @param dimension the name
     * @return its extent
     * @throws IllegalArgumentException when nothing bound it
     */
    public long extentOf(String dimension) {
        Bound found = bound.get(dimension);
        if (found == null) {
            throw new IllegalArgumentException("dimension must be bound first, dimension=" + dimension);
        }
        return found.extent;
    }
}
