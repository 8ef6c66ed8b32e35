package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CostModelTest {

    /** Llama-3.1-8B in BF16: 8.03e9 parameters, 128 KiB of KV a token. */
    private static final ModelWork LLAMA_8B = new ModelWork(16.06e9, 1, 16.06e9, 131_072);

    private static final DeviceProfile SIMPLE = new DeviceProfile("simple", 100, 1000, 1, 0.5, 0.1, 0.25, "a test");

    @Test
    void linearModelAddsPrefillAndContext() {
        assertThat(CostModel.parse(" 0.0155, 9.5e-5,2.3e-7").stepSeconds(3, 1000, 2, 10_000))
                .isCloseTo(0.0155 + 0.095 + 0.0023, within(1e-12));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "1,2",
                "1,2,3,4",
                "1,,3",
                "a,b,c",
                "0,0,0",
                "-1,0,0",
                "1,-1,0",
                "1,0,NaN",
                "1,Infinity,0"
            })
    void otherStepCostsAreRefused(String text) {
        assertThatThrownBy(() -> CostModel.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("step cost ");
    }

    @Test
    void stepCostMessageHoldsTheText() {
        assertThatThrownBy(() -> CostModel.parse("1;2;3"))
                .hasMessage("step cost must be three numbers of seconds a,b,c, text=1;2;3");
    }

    @Test
    void rooflineIsTheSlowerOfComputeAndMemoryPlusOverhead() {
        CostModel model = CostModel.roofline(SIMPLE, new ModelWork(100, 1, 10, 1), 1);

        assertThat(model.stepSeconds(1, 1, 1, 50)).as("memory: 150 / 50").isCloseTo(3.25, within(1e-12));
        assertThat(model.stepSeconds(1, 90, 10, 50)).as("compute: 1000 / 100").isCloseTo(10.25, within(1e-12));
    }

    @Test
    void aMixtureOfExpertsReadsMoreWeightsTheMoreTokensThereAre() {
        ModelWork work = new ModelWork(671, 0.055, 1, 0);
        assertThat(work.weightBytesRead(1)).isCloseTo(0.055 * 671, within(1e-9));
        assertThat(work.weightBytesRead(20)).isBetween(0.6 * 671, 0.7 * 671);
        assertThat(work.weightBytesRead(1_000)).isCloseTo(671, within(1e-6));
        assertThat(new ModelWork(100, 1, 10, 1).weightBytesRead(1)).isEqualTo(100);
    }

    @Test
    void tensorParallelDividesAllButTheOverhead() {
        ModelWork work = new ModelWork(100, 1, 10, 1);

        assertThat(CostModel.roofline(SIMPLE, work, 2).stepSeconds(1, 1, 1, 50)).isCloseTo(1.75, within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({"0, 8, 10000", "0, 60, 40000", "2000, 48, 40000", "2048, 0, 2048"})
    void rtx4090ComesNearAMeasuredRun(long prefill, long decode, long context) {
        CostModel fitted = CostModel.linear(0.0155, 9.5e-5, 2.3e-7);
        CostModel roofline = CostModel.roofline(DeviceProfile.find("rtx-4090"), LLAMA_8B, 1);

        assertThat(roofline.stepSeconds(60, prefill, decode, context))
                .isCloseTo(fitted.stepSeconds(60, prefill, decode, context), Percentage.withPercentage(12));
    }

    @Test
    void tensorParallelMustBePositive() {
        assertThatThrownBy(() -> CostModel.roofline(SIMPLE, LLAMA_8B, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tensorParallel must be positive, tensorParallel=0");
    }

    @Test
    void workMustBePositive() {
        assertThatThrownBy(() -> new ModelWork(0, 1, 1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "model work needs weightBytes > 0, 0 < activeShare <= 1, flopsPerToken > 0 and kvBytesPerToken >= 0,"
                                + " all finite, weightBytes=0.0, activeShare=1.0, flopsPerToken=1.0, kvBytesPerToken=1.0");
    }

    @Test
    void everyPresetIsFoundByItsName() {
        assertThat(DeviceProfile.names()).containsExactly("rtx-4090", "l4", "a100-80gb", "h100-sxm", "h200-sxm");
        assertThat(DeviceProfile.names()).allSatisfy(name -> {
            DeviceProfile profile = DeviceProfile.find(name);
            assertThat(profile.name()).isEqualTo(name);
            assertThat(profile.source()).contains("NVIDIA", "chosen");
        });
    }

    @Test
    void unknownDeviceNamesTheKnownOnes() {
        assertThatThrownBy(() -> DeviceProfile.find("h100"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("device profile must be one of rtx-4090, l4, a100-80gb, h100-sxm, h200-sxm, name=h100");
    }

    @Test
    void impossibleDevicesAreRefused() {
        assertThatThrownBy(() -> new DeviceProfile("x", 0, 1, 1, 1, 1, 0, ""))
                .hasMessageContaining("memoryBandwidth=0.0");
        assertThatThrownBy(() -> new DeviceProfile("x", 1, 1, 1, 1.1, 1, 0, ""))
                .hasMessageContaining("bandwidthEfficiency=1.1");
        assertThatThrownBy(() -> new DeviceProfile("x", 1, 1, 1, 1, 1, -1, ""))
                .hasMessage("stepOverheadSeconds must be at least 0 and finite, name=x, stepOverheadSeconds=-1.0");
    }
}
