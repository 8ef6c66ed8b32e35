package io.kvflux.sim;

import java.util.List;

/**
 * What a device can do, as far as a roofline needs it. The peaks of the presets are the makers' data sheets; the
 * efficiencies and overheads are chosen, as {@link #source} says, so a step time made of them is an estimate.
 *
 * @param name the name to find it by
 * @param memoryBandwidth peak of the device memory in bytes a second
 * @param flops dense BF16 peak of the matrix units in operations a second, accumulating in FP32
 * @param memoryBytes device memory as sold, before what a driver keeps
 * @param bandwidthEfficiency share of memoryBandwidth a step reaches, in (0, 1]
 * @param computeEfficiency share of flops a step reaches, in (0, 1]
 * @param stepOverheadSeconds what every step costs besides: scheduling, kernel launches, sampling
 * @param source where the numbers come from
 */
public record DeviceProfile(
        String name,
        double memoryBandwidth,
        double flops,
        long memoryBytes,
        double bandwidthEfficiency,
        double computeEfficiency,
        double stepOverheadSeconds,
        String source) {

    private static final long GIB = 1L << 30;
    private static final double TERA = 1e12;
    private static final String CHOSEN = "; efficiencies 0.8 and 0.6 and 1 ms overhead chosen, not measured";

    private static final List<DeviceProfile> PRESETS = List.of(
            new DeviceProfile(
                    "rtx-4090",
                    1.008 * TERA,
                    165.2 * TERA,
                    24 * GIB,
                    0.95,
                    0.9,
                    0.0005,
                    "NVIDIA Ada GPU architecture whitepaper; efficiencies and overhead chosen to come near a measured"
                            + " vLLM 0.19 run of Llama-3.1-8B"),
            preset("l4", 0.3, 121, 24 * GIB, "NVIDIA L4 data sheet"),
            preset("a100-80gb", 2.039, 312, 80 * GIB, "NVIDIA A100 80GB SXM data sheet"),
            preset("h100-sxm", 3.35, 989.4, 80 * GIB, "NVIDIA H100 SXM5 data sheet and Hopper whitepaper"),
            preset("h200-sxm", 4.8, 989.4, 141_000_000_000L, "NVIDIA H200 SXM data sheet"));

    /**
     * Checks the numbers.
     *
     * @param name any
     * @param memoryBandwidth positive
     * @param flops positive
     * @param memoryBytes positive
     * @param bandwidthEfficiency in (0, 1]
     * @param computeEfficiency in (0, 1]
     * @param stepOverheadSeconds at least 0
     * @param source any
     * @throws IllegalArgumentException if a peak or the memory is not positive and finite, an efficiency is not in
     *     (0, 1], or the overhead is negative or not finite
     */
    public DeviceProfile {
        if (!isPositive(memoryBandwidth) || !isPositive(flops) || memoryBytes <= 0) {
            throw new IllegalArgumentException(
                    "device needs memoryBandwidth, flops and memoryBytes positive and finite,"
                            + " name=" + name + ", memoryBandwidth=" + memoryBandwidth + ", flops=" + flops
                            + ", memoryBytes="
                            + memoryBytes);
        }
        if (!isShare(bandwidthEfficiency) || !isShare(computeEfficiency)) {
            throw new IllegalArgumentException("device efficiencies must be in (0, 1], name=" + name
                    + ", bandwidthEfficiency=" + bandwidthEfficiency + ", computeEfficiency=" + computeEfficiency);
        }
        if (!(stepOverheadSeconds >= 0) || Double.isInfinite(stepOverheadSeconds)) {
            throw new IllegalArgumentException("stepOverheadSeconds must be at least 0 and finite, name=" + name
                    + ", stepOverheadSeconds=" + stepOverheadSeconds);
        }
    }

    /** {@return the names of the presets} */
    public static List<String> names() {
        return PRESETS.stream().map(DeviceProfile::name).toList();
    }

    /**
     * Finds a preset.
     *
     * @param name one of {@link #names()}
     * @return the preset
     * @throws IllegalArgumentException if there is none of that name; the message lists the known ones
     */
    public static DeviceProfile find(String name) {
        return PRESETS.stream()
                .filter(preset -> preset.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "device profile must be one of " + String.join(", ", names()) + ", name=" + name));
    }

    private static DeviceProfile preset(
            String name, double terabytesPerSecond, double teraflops, long memoryBytes, String source) {
        return new DeviceProfile(
                name, terabytesPerSecond * TERA, teraflops * TERA, memoryBytes, 0.8, 0.6, 0.001, source + CHOSEN);
    }

    private static boolean isPositive(double value) {
        return value > 0 && value < Double.POSITIVE_INFINITY;
    }

    private static boolean isShare(double value) {
        return value > 0 && value <= 1;
    }
}
