package io.kvflux.app;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How long a simulated step takes. */
final class TimeOptions {

    static final int DEFAULT_SPEED = 20;
    static final String DEFAULT_PROFILE = "rtx-4090";

    @Option(
            names = "--step-cost",
            paramLabel = "a,b,c",
            description = "Seconds of a step: a + b * prefill tokens + c * context tokens.")
    @Nullable
    String stepCost;

    @Option(
            names = "--device-profile",
            paramLabel = "NAME",
            description = "Roofline of a device instead: ${COMPLETION-CANDIDATES}. Default: " + DEFAULT_PROFILE + ".",
            completionCandidates = ProfileNames.class)
    @Nullable
    String deviceProfile;

    @Option(
            names = "--realtime",
            description =
                    "Replay in real time through the reactive scheduler on host memory, with real threads, and compare"
                            + " the token counts with those under the virtual clock.")
    boolean realtime;

    @Option(
            names = "--speed",
            paramLabel = "X",
            converter = Converters.Decimal.class,
            description = "With --realtime: seconds of the trace's time in a second. Default: " + DEFAULT_SPEED + ".")
    @Nullable
    Double speed;

    double speedOrDefault() {
        return speed == null ? DEFAULT_SPEED : speed;
    }
}
