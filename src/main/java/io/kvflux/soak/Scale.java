package io.kvflux.soak;

import java.time.Duration;

/**
 * How large a soak is.
 *
 * @param seats clients at a time, beside forks
 * @param batch sequences in a step at most
 * @param deviceBlocks of each of the two replicas
 * @param hostBlocks of both
 * @param diskBytes of the files below the host
 * @param quietEvery sequences from one quiet point to the next
 * @param firstLife sequences of the first scheduler's life; each that follows has twice as many
 * @param checkedLife of those, how many the very first has, in which the whole structure is checked after every change
 * @param verifyEvery steps from one check of the whole structure to the next
 * @param stuckSteps steps in which somebody who waits for a token gets one, in whatever order they are served
 * @param patience with what must end soon
 */
record Scale(
        int seats,
        int batch,
        int deviceBlocks,
        int hostBlocks,
        long diskBytes,
        int quietEvery,
        long firstLife,
        int checkedLife,
        int verifyEvery,
        int stuckSteps,
        Duration patience) {

    static final Scale FULL =
            new Scale(96, 32, 384, 512, 8L << 20, 20_000, 40_000, 2_000, 2_000, 50_000, Duration.ofSeconds(30));

    /** For tests: everything happens as well, but within seconds. */
    static final Scale SMALL = new Scale(24, 12, 96, 96, 4L << 20, 500, 1_000, 200, 200, 50_000, Duration.ofSeconds(10));
}
