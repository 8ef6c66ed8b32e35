package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.cuda.CudaDevice;
import io.kvflux.sim.ReplayDevice;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A device as the command line names it: host, cuda, cuda:2, cuda:0,1.
 *
 * @param ordinals of GPUs; empty for host memory
 */
record DeviceName(List<Integer> ordinals) {

    static final DeviceName HOST = new DeviceName(List.of());

    private static final Pattern CUDA = Pattern.compile("cuda(:\\d{1,4}(,\\d{1,4})*)?");

    /**
     * Reads a name.
     *
     * @throws UsageException if it is none, naming the option
     */
    static DeviceName parse(String option, String text) {
        if (text.equals("host")) {
            return HOST;
        }
        if (!CUDA.matcher(text).matches()) {
            throw new UsageException(option + ": expected host, cuda, cuda:N or cuda:N,N, found '" + text + "'");
        }
        if (text.equals("cuda")) {
            return new DeviceName(List.of(0));
        }
        List<Integer> ordinals = Arrays.stream(text.substring("cuda:".length()).split(",", -1))
                .map(Integer::valueOf)
                .toList();
        if (ordinals.stream().distinct().count() < ordinals.size()) {
            throw new UsageException(option + ": a GPU is named twice in '" + text + "'");
        }
        return new DeviceName(ordinals);
    }

    boolean isHost() {
        return ordinals.isEmpty();
    }

    /** The GPUs as the pages of a replay need them. */
    ReplayDevice forReplay() {
        return new ReplayDevice() {
            @Override
            public String name() {
                return DeviceName.this.toString();
            }

            @Override
            public DeviceMemory open(DataSize budget) {
                return CudaDevice.builder()
                        .devices(ordinals.stream().mapToInt(Integer::intValue).toArray())
                        .memoryFraction(1)
                        .reserve(new DataSize(0))
                        .open();
            }
        };
    }

    @Override
    public String toString() {
        return isHost() ? "host" : ordinals.stream().map(String::valueOf).collect(Collectors.joining(",", "cuda:", ""));
    }
}
