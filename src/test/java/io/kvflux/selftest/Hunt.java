package io.kvflux.selftest;

import java.util.function.LongFunction;

/**
 * Looks for a bug by computing alone: the core's own checks are off. Loaded by the loader of a {@link Mutant}, so it is made
 * and called through types of the JDK.
 */
public final class Hunt implements LongFunction<String> {

    private static final long SEED = 2026;

    /** {@return what the scenario of this number found, or null} */
    @Override
    public String apply(long number) {
        Scenario scenario = ScenarioText.of(new Scenarios(SEED).scenario(number))
                .with("verify", "false")
                .scenario();
        Finding finding = ScenarioRun.of(scenario, TestDevice.host()).finding();
        return finding == null ? null : finding.toString();
    }
}
