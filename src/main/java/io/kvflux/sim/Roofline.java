package io.kvflux.sim;

/** The roofline of {@link CostModel#roofline}: {@code overhead + max(compute seconds, memory seconds)}. */
record Roofline(double overhead, double secondsPerToken, double secondsPerStep, double secondsPerContextToken)
        implements CostModel {

    static Roofline of(DeviceProfile device, ModelWork work, int tensorParallel) {
        double bandwidth = device.memoryBandwidth() * device.bandwidthEfficiency() * tensorParallel;
        double flops = device.flops() * device.computeEfficiency() * tensorParallel;
        return new Roofline(
                device.stepOverheadSeconds(),
                work.flopsPerToken() / flops,
                work.weightBytes() / bandwidth,
                work.kvBytesPerToken() / bandwidth);
    }

    @Override
    public double stepSeconds(int sequences, long prefillTokens, long decodeTokens, long contextTokens) {
        double compute = secondsPerToken * (prefillTokens + decodeTokens);
        double memory = secondsPerStep + secondsPerContextToken * contextTokens;
        return overhead + Math.max(compute, memory);
    }
}
