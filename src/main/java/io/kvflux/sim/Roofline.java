package io.kvflux.sim;

/** The roofline of {@link CostModel#roofline}: {@code overhead + max(compute seconds, memory seconds)}. */
record Roofline(double overhead, double flops, double bandwidth, ModelWork work) implements CostModel {

    static Roofline of(DeviceProfile device, ModelWork work, int tensorParallel) {
        double bandwidth = device.memoryBandwidth() * device.bandwidthEfficiency() * tensorParallel;
        double flops = device.flops() * device.computeEfficiency() * tensorParallel;
        return new Roofline(device.stepOverheadSeconds(), flops, bandwidth, work);
    }

    @Override
    public double stepSeconds(int sequences, long prefillTokens, long decodeTokens, long contextTokens) {
        long tokens = prefillTokens + decodeTokens;
        double compute = work.flopsPerToken() * tokens / flops;
        double memory = (work.weightBytesRead(tokens) + work.kvBytesPerToken() * contextTokens) / bandwidth;
        return overhead + Math.max(compute, memory);
    }
}
