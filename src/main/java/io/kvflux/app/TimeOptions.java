package io.kvflux.app;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How long a simulated step takes. */
final class TimeOptions {

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
}
