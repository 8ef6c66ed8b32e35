package io.kvflux.geometry;

import java.util.List;

/**
 * The typed inputs of a step.
 *
 * @param perDevice one entry for every cache, replica and shard, in exactly that nesting; copied
 */
public record KvCacheInputs(List<KvCacheInputsPerDevice> perDevice) {

    /**
     * Makes the value, with a copy of the list.
     *
     * @param perDevice one entry for every cache, replica and shard, in exactly that nesting; copied
     */
    public KvCacheInputs {
        perDevice = List.copyOf(perDevice);
    }

    /** {@return all inputs in the order a model takes them} */
    public List<InputType> flatten() {
        return perDevice.stream().flatMap(each -> each.flatten().stream()).toList();
    }
}
