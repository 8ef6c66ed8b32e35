package io.kvflux.selftest;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.List;

/**
 * A device under test: all that the self-test needs to know of one. Its pages must be readable and writable through {@link
 * io.kvflux.memory.PageArena}. Attention runs where {@link #attention} says, all other arithmetic on the processor; the
 * output must equal the dense one bit by bit.
 */
public interface TestDevice {

    /** {@return what the verdict calls it} */
    String name();

    /**
     * Opens it, for one scenario. Several may be open at the same time, each used by a thread of its own.
     *
     * @param budget bytes that the scenario's arenas will take
     * @return an open device; closed by the caller
     */
    DeviceMemory open(DataSize budget);

    /**
     * Says where the model attends to the pages of a device: on the processor, unless it is overridden.
     *
     * @param memory the open device
     * @return the place; closed by the caller, before the device
     */
    default AttentionPlace attention(DeviceMemory memory) {
        return AttentionPlace.processor();
    }

    /**
     * The memory of GPUs. Every batch is waited for, so that a scenario runs the same again: what comes late, out of order or
     * not at all, the scenario decides.
     *
     * @param ordinals which GPUs
     * @param kernels whether kernels copy pages and attend to them; if not, copy engines do, and the processor
     * @return the device under test
     */
    static TestDevice cuda(List<Integer> ordinals, boolean kernels) {
        return new CudaUnderTest(ordinals, kernels);
    }

    /** {@return plain host memory} */
    static TestDevice host() {
        return new TestDevice() {
            @Override
            public String name() {
                return "host memory";
            }

            @Override
            public DeviceMemory open(DataSize budget) {
                return HostMemoryDevice.withBudget(budget);
            }
        };
    }
}
