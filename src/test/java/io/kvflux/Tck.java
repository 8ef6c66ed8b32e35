package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs verifications of the Reactive Streams TCK, which are TestNG's, and makes sure that they did run. */
final class Tck {

    private Tck() {}

    /** Runs a verification; fails if a test of it fails, or fewer than so many passed. */
    static void assertPasses(Class<?> verification, int atLeast) {
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(verification))
                .filters(EngineFilter.includeEngines("testng"))
                .build();
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        LauncherFactory.create().execute(request, listener);
        TestExecutionSummary summary = listener.getSummary();
        StringWriter failures = new StringWriter();
        summary.printFailuresTo(new PrintWriter(failures), 20);
        assertThat(summary.getTestsFailedCount()).as(failures.toString()).isZero();
        assertThat(summary.getTestsSucceededCount()).as("tests that passed").isGreaterThanOrEqualTo(atLeast);
    }
}
