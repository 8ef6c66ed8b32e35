package io.kvflux.geometry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ExtentBindingsTest {

    private final ExtentBindings bindings = new ExtentBindings();
    private final KvCacheInputsPerDevice inputs =
            Caches.base().build().symbolicInputs("").perDevice().get(0);

    @Test
    void oneNameHasOneExtentInAllInputs() {
        bindings.bind(inputs.cacheLengths(), inputs.describe(inputs.cacheLengths()), 4);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> bindings.bind(inputs.lookupTable(), inputs.describe(inputs.lookupTable()), 3, 9))
                .withMessageContaining("dimension=replica_0_batch_size")
                .withMessageContaining("extent=4 in cache 0, replica 0, shard 0, cacheLengths")
                .withMessageContaining("extent=3 in cache 0, replica 0, shard 0, lookupTable");
    }

    @Test
    void agreeingExtentsAreBound() {
        bindings.bind(inputs.cacheLengths(), "a", 4);
        bindings.bind(inputs.lookupTable(), "b", 4, 9);
        bindings.bind(inputs.maxLengths(), "c", 0, 2);
        bindings.bind(inputs.kvBlocks(), "d", 1000, 2, 1, 128, 8, 128);

        assertThat(bindings.extentOf("replica_0_batch_size")).isEqualTo(4);
        assertThat(bindings.extentOf("replica_0_max_num_pages")).isEqualTo(9);
        assertThat(bindings.extentOf("replica_0_steps_remaining")).isZero();
        assertThat(bindings.extentOf("total_num_pages")).isEqualTo(1000);
    }

    @Test
    void fixedExtentsMustBeAsDeclared() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> bindings.bind(inputs.maxLengths(), "c", 1, 3))
                .withMessageContaining("declared=2, extent=3 in c");
    }

    @Test
    void theNumberOfDimensionsMustBeAsDeclared() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> bindings.bind(inputs.lookupTable(), "b", 4))
                .withMessageContaining("[replica_0_batch_size, replica_0_max_num_pages]")
                .withMessageContaining("extents=[4] in b");
    }

    @Test
    void negativeExtentsAreRejected() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> bindings.bind("batch", -1, "x"))
                .withMessage("extent must not be negative, dimension=batch, extent=-1 in x");
        assertThatIllegalArgumentException().isThrownBy(() -> new Dim.Fixed(-1));
    }

    @Test
    void namesMustBeBoundBeforeTheyAreAskedAndNotBlank() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> bindings.extentOf("batch"))
                .withMessageContaining("dimension=batch");
        assertThatIllegalArgumentException().isThrownBy(() -> new Dim.Named(" "));
    }
}
