package io.kvflux.selftest;

import org.jspecify.annotations.Nullable;

/**
 * What a self-test found.
 *
 * @param device name of the device under test
 * @param attention where the model attended to the pages; null if no scenario was run
 * @param seed of the scenarios
 * @param scenarios run to their end, or to a finding
 * @param tokens held against the dense model's, with all logits they were chosen from
 * @param seconds it took
 * @param coverage what was tried
 * @param failure the failing scenario of the lowest number that was run; null if all passed
 */
public record SelftestResult(
        String device,
        @Nullable String attention,
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
     * @param hangs whether it did not come to an end
     * @param shrunk a shorter one; null if none has been looked for
     */
    public record Failure(
            String scenario,
            String finding,
            boolean hangs,
            @Nullable Shrunk shrunk) {}

    /**
     * A shorter scenario that fails too, in the same way.
     *
     * @param scenario its line, which replays it
     * @param finding what broke the claim there
     * @param runs scenarios that were run to find it
     */
    public record Shrunk(String scenario, String finding, int runs) {}

    /** {@return whether every scenario passed} */
    public boolean passed() {
        return failure == null;
    }

    /**
     * The same with what a failure was shrunk to.
     *
     * @param shrunk the shorter scenario, or null if there is none
     * @return the result
     */
    public SelftestResult with(@Nullable Shrunk shrunk) {
        Failure shorter =
                failure == null ? null : new Failure(failure.scenario(), failure.finding(), failure.hangs(), shrunk);
        return new SelftestResult(device, attention, seed, scenarios, tokens, seconds, coverage, shorter);
    }
}
