package io.kvflux.selftest;

import org.jspecify.annotations.Nullable;

/**
 * What a self-test found.
 *
 * @param device name of the device under test
 * @param seed of the scenarios
 * @param scenarios run to their end, or to a finding
 * @param tokens held against the dense model's, with all logits they were chosen from
 * @param seconds it took, the shrinking of a failure left out
 * @param coverage what was tried
 * @param failure the failing scenario of the lowest number that was run; null if all passed
 */
public record SelftestResult(
        String device,
        long seed,
        long scenarios,
        long tokens,
        double seconds,
        Coverage coverage,
        @Nullable Failure failure) {

    /**
     * A scenario in which the claim does not hold.
     *
     * @param scenario its line, which replays it
     * @param finding what broke the claim first
     * @param shrunk the line of a shorter scenario that fails too
     * @param shrunkFinding what broke the claim there
     * @param shrinkingRuns scenarios that were run to find it
     */
    public record Failure(String scenario, String finding, String shrunk, String shrunkFinding, int shrinkingRuns) {}

    /** {@return whether every scenario passed} */
    public boolean passed() {
        return failure == null;
    }
}
