package io.kvflux.gpu;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectPackage;
import static org.junit.platform.launcher.TagFilter.includeTags;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs the tests with the tag gpu, and writes what came out as JSON. */
public final class GpuTests {

    private GpuTests() {}

    /**
     * Runs them all.
     *
     * @param args the file to write
     * @throws IOException if that cannot be written
     */
    public static void main(String[] args) throws IOException {
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectPackage("io.kvflux"))
                .filters(includeTags("gpu"))
                .build();
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        LauncherFactory.create().execute(request, listener);
        TestExecutionSummary summary = listener.getSummary();
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        summary.printTo(out);
        summary.printFailuresTo(out, 100);
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode json = mapper.createObjectNode();
        json.put("found", summary.getTestsFoundCount());
        json.put("succeeded", summary.getTestsSucceededCount());
        json.put("failed", summary.getTotalFailureCount());
        json.put("skipped", summary.getTestsSkippedCount() + summary.getTestsAbortedCount());
        ArrayNode failures = json.putArray("failures");
        summary.getFailures()
                .forEach(failure -> failures.addObject()
                        .put("test", failure.getTestIdentifier().getUniqueId())
                        .put("failure", String.valueOf(failure.getException())));
        mapper.writeValue(Path.of(args[0]).toFile(), json);
        System.exit(summary.getTotalFailureCount() == 0 && summary.getTestsSucceededCount() > 0 ? 0 : 1);
    }
}
