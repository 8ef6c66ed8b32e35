package io.kvflux.geometry;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The name of one device. It is a name only: nothing checks that the device exists.
 *
 * @param kind what the device is
 * @param id index among the devices of its kind, from 0
 */
public record DeviceRef(Kind kind, int id) {

    /** What a device is. */
    public enum Kind {
        /** The host processor and its memory. */
        CPU,
        /** A graphics processor with its own memory. */
        GPU
    }

    /**
     * Checks the values.
     *
     * @param kind what the device is
     * @param id index among the devices of its kind, from 0
     * @throws IllegalArgumentException when the id is negative
     */
    public DeviceRef {
        Check.notNegative("id", id);
    }

    /** {@return the host processor, {@code cpu:0}} */
    public static DeviceRef cpu() {
        return new DeviceRef(Kind.CPU, 0);
    }

    /**
     * Names one graphics processor.
     *
     * @param id index among the graphics processors, from 0
     * @return its name
     * @throws IllegalArgumentException when the id is negative
     */
    public static DeviceRef gpu(int id) {
        return new DeviceRef(Kind.GPU, id);
    }

    /**
     * Names the first graphics processors.
     *
     * @param count how many, at least 1
     * @return {@code gpu:0} to {@code gpu:count-1}, in order
     * @throws IllegalArgumentException when the count is below 1
     */
    public static List<DeviceRef> gpus(int count) {
        Check.positive("count", count);
        return IntStream.range(0, count).mapToObj(DeviceRef::gpu).toList();
    }

    @Override
    public String toString() {
        return (kind == Kind.CPU ? "cpu:" : "gpu:") + id;
    }
}
