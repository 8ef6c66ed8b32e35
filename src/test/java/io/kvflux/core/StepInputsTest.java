package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.api.StepInputs;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheInputs;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The arrays a model's graph takes. */
class StepInputsTest {

    private static int[] table(StepInputs inputs, int replica) {
        return Arrays.copyOf(inputs.lookupTable(replica), inputs.batchSize(replica) * inputs.maxNumPages(replica));
    }

    private static int[] cacheLengths(StepInputs inputs, int replica) {
        return Arrays.copyOf(inputs.cacheLengths(replica), inputs.batchSize(replica));
    }

    @Test
    void unusedCellsNameTheNullBlock() {
        Driver driver = new Driver(Driver.config(4, 20));
        driver.submit(10);
        driver.submit(3);
        driver.step();
        driver.submit(6);
        Step step = driver.plan();
        StepInputs inputs = step.inputs();
        assertThat(inputs.batchSize(0)).isEqualTo(3);
        assertThat(inputs.maxNumPages(0)).isEqualTo(3);
        assertThat(table(inputs, 0))
                .containsExactly(
                        step.block(0, 0),
                        step.block(0, 1),
                        step.block(0, 2),
                        step.block(1, 0),
                        0,
                        0,
                        step.block(2, 0),
                        step.block(2, 1),
                        0);
        assertThat(cacheLengths(inputs, 0)).containsExactly(10, 3, 0);
        assertThat(inputs.maxLengths(0)).as("longest chunk, longest cache").containsExactly(6, 10);
        assertThat(step.inputs()).as("filled once").isSameAs(inputs);
    }

    @Test
    void arraysOfALargerStepLeaveNothingBehind() {
        Driver driver = new Driver(Driver.config(4, 20));
        SequenceId large = driver.submit(20);
        driver.submit(2);
        driver.plan().inputs();
        driver.complete();
        driver.core.cancel(large);
        Step step = driver.plan();
        assertThat(table(step.inputs(), 0)).containsExactly(step.block(0, 0));
        assertThat(cacheLengths(step.inputs(), 0)).containsExactly(2);
        assertThat(step.inputs().maxLengths(0)).containsExactly(1, 2);
    }

    @Test
    void eachReplicaHasArraysOfItsOwnAndAnIdleOneEmptyOnes() {
        Driver driver = new Driver(Driver.config(4, 20, 3));
        driver.submit(10);
        driver.submit(5);
        Step step = driver.plan();
        StepInputs inputs = step.inputs();
        assertThat(cacheLengths(inputs, 0)).containsExactly(0);
        assertThat(table(inputs, 0)).containsExactly(step.block(0, 0), step.block(0, 1), step.block(0, 2));
        assertThat(inputs.maxLengths(0)).containsExactly(10, 0);
        assertThat(table(inputs, 1)).containsExactly(step.block(1, 0), step.block(1, 1));
        assertThat(inputs.maxLengths(1)).containsExactly(5, 0);
        assertThat(inputs.batchSize(2)).isZero();
        assertThat(inputs.maxNumPages(2)).isZero();
        assertThat(inputs.maxLengths(2)).containsExactly(0, 0);
        PlanInputs.checkExtents(driver.config.caches().symbolicInputs(""), inputs);
    }

    @Test
    void inputsStayWhatTheyAreWhileTheirStepIsInFlight() {
        Driver driver = new Driver(Driver.config(4, 20).maxStepsInFlight(2));
        SequenceId id = driver.submit(10);
        Step first = driver.plan();
        int[] expected = table(first.inputs(), 0);
        driver.plan().inputs();
        driver.core.cancel(id);
        assertThat(table(first.inputs(), 0)).isEqualTo(expected);
    }

    /** Inputs that say something else each time they are asked. */
    private record Lying(StepInputs truth, int batchLie, int pagesLie, AtomicInteger asked) implements StepInputs {

        @Override
        public int batchSize(int replica) {
            return truth.batchSize(replica) + batchLie * asked.getAndIncrement();
        }

        @Override
        public int maxNumPages(int replica) {
            return truth.maxNumPages(replica) + pagesLie * asked.get();
        }

        @Override
        public int[] cacheLengths(int replica) {
            return truth.cacheLengths(replica);
        }

        @Override
        public int[] lookupTable(int replica) {
            return truth.lookupTable(replica);
        }

        @Override
        public int[] maxLengths(int replica) {
            return truth.maxLengths(replica);
        }
    }

    @Test
    void extentsThatDisagreeBetweenTheShardsOfAReplicaAreRefused() {
        KvCacheInputs declared = MultiKvCacheParams.fromParams(KvCacheParams.builder()
                        .dtype(DType.BFLOAT16)
                        .numLayers(1)
                        .numKvHeads(2)
                        .headDim(2)
                        .pageSize(4)
                        .devices(List.of(DeviceRef.gpu(0), DeviceRef.gpu(1)))
                        .build())
                .symbolicInputs("");
        Driver driver = new Driver(Driver.config(4, 20));
        driver.submit(10);
        StepInputs inputs = driver.plan().inputs();
        PlanInputs.checkExtents(declared, new Lying(inputs, 0, 0, new AtomicInteger()));
        assertThatThrownBy(() -> PlanInputs.checkExtents(declared, new Lying(inputs, 1, 0, new AtomicInteger())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("a dimension must have one extent", "batch_size", "extent=1", "extent=2");
        assertThatThrownBy(() -> PlanInputs.checkExtents(declared, new Lying(inputs, 0, 1, new AtomicInteger())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("a dimension must have one extent", "max_num_pages", "extent=4", "extent=5");
    }

    /** Inputs whose arrays are those of a smaller step. */
    private record TooShort(StepInputs truth, int rows, int cells) implements StepInputs {

        @Override
        public int batchSize(int replica) {
            return truth.batchSize(replica);
        }

        @Override
        public int maxNumPages(int replica) {
            return truth.maxNumPages(replica);
        }

        @Override
        public int[] cacheLengths(int replica) {
            return Arrays.copyOf(truth.cacheLengths(replica), rows);
        }

        @Override
        public int[] lookupTable(int replica) {
            return Arrays.copyOf(truth.lookupTable(replica), cells);
        }

        @Override
        public int[] maxLengths(int replica) {
            return truth.maxLengths(replica);
        }
    }

    @Test
    void arraysTooSmallForTheirExtentsAreRefused() {
        Driver driver = new Driver(Driver.config(4, 20));
        driver.submit(10);
        driver.submit(5);
        StepInputs inputs = driver.plan().inputs();
        KvCacheInputs declared = driver.config.caches().symbolicInputs("");
        PlanInputs.checkExtents(declared, new TooShort(inputs, 2, 6));
        assertThatThrownBy(() -> PlanInputs.checkExtents(declared, new TooShort(inputs, 1, 6)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("an array must hold its extents", "length=1", "extent=2", "cacheLengths");
        assertThatThrownBy(() -> PlanInputs.checkExtents(declared, new TooShort(inputs, 2, 5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("an array must hold its extents", "length=5", "extent=6", "lookupTable");
    }
}
