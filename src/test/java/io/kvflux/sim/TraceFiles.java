package io.kvflux.sim;

import io.kvflux.RealTraces;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/** Trace files for tests: written ones, and the real ones where they are. */
final class TraceFiles {

    private TraceFiles() {}

    static Path write(Path folder, String content) throws IOException {
        return Files.writeString(folder.resolve("trace"), content, StandardCharsets.UTF_8);
    }

    static Path writeGzip(Path folder, String content) throws IOException {
        Path file = folder.resolve("trace.jsonl");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    static String mooncake(long millis, int input, String ids) {
        return "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 3, \"hash_ids\": [%s]}\n"
                .formatted(millis, input, ids);
    }

    static List<SimRequest> readAll(Workload workload) {
        List<SimRequest> requests = new ArrayList<>();
        for (SimRequest request = workload.next(); request != null; request = workload.next()) {
            requests.add(request);
        }
        return requests;
    }

    /** A real trace; the test is skipped where the folder beside the project is not there. */
    static Path shared(String name) {
        return RealTraces.find(name);
    }
}
