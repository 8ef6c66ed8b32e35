package io.kvflux.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.app.Diagnosis.Level;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvflux doctor}: what a user runs first, and what a report of a problem begins with. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        description = "Look at what KvFlux runs on: Java, memory, folders, the CUDA driver and its GPUs, with some"
                + " seconds of measuring. Each problem comes with its fix.",
        footerHeading = "%n",
        footer = {
            "Exit codes: 0 usable, 1 a problem keeps KvFlux, or the --device asked for, from working, 2 wrong usage.",
            "docs/gpu.md says what the numbers mean."
        })
final class DoctorCommand implements Callable<Integer> {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    /** Starting a driver takes some seconds on a machine with many GPUs. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Duration patience;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--device",
            paramLabel = "NAME",
            description = "What must work: host, which looks at no GPU, or cuda:N. Default: KvFlux on what there is.")
    private @Nullable String device;

    @Option(names = "--json", description = "Print one JSON object in place of text.")
    private boolean json;

    DoctorCommand() {
        this(PATIENCE);
    }

    /** With another time to wait for a GPU, for tests. */
    DoctorCommand(Duration patience) {
        this.patience = patience;
    }

    @Override
    public Integer call() throws InterruptedException {
        DeviceName asked = device == null ? DeviceName.HOST : DeviceName.parse("--device", device);
        PrintWriter out = spec.commandLine().getOut();
        List<Diagnosis> parts = new ArrayList<>(
                List.of(MachineDiagnosis.java(), MachineDiagnosis.memory(), MachineDiagnosis.folders()));
        if (!json) {
            parts.forEach(part -> out.print(part.text()));
            out.flush(); // a driver that is broken may take the process with it
        }
        GpuDiagnosis gpus = new GpuDiagnosis(asked.ordinals());
        boolean looks = device == null || !asked.isHost();
        if (looks) {
            gpus.run(patience);
            parts.addAll(gpus.parts());
        }
        boolean works = parts.stream()
                .flatMap(part -> part.findings().stream())
                .noneMatch(finding -> finding.level() == Level.FAILURE);
        String verdict = verdict(works, looks, gpus);
        if (json) {
            out.println(SummaryJson.print(json(works, verdict, parts, gpus)));
        } else {
            gpus.parts().stream().filter(part -> looks).forEach(part -> out.print(part.text()));
            out.println(verdict);
        }
        out.flush();
        return works ? 0 : Main.FAILURE;
    }

    private String verdict(boolean works, boolean looks, GpuDiagnosis gpus) {
        if (!works) {
            return "NOT USABLE" + (device == null ? "" : " with --device " + device) + ": see the lines with a mark.";
        }
        if (!looks) {
            return "Usable: KvFlux runs on host memory.";
        }
        if (gpus.noDriver()) {
            return "Usable: no CUDA driver here: KvFlux runs on host memory.";
        }
        if (!gpus.usable()) {
            return "Usable: KvFlux runs on host memory, but no GPU can be used: see the lines with a mark.";
        }
        boolean standIn = gpus.measured().stream().anyMatch(one -> one.gpu().isStandIn());
        return standIn
                ? "Usable: KvFlux runs on host memory, and on the stand-in of the CUDA driver, which is no GPU."
                : "Usable: KvFlux runs on host memory and on the GPU.";
    }

    private ObjectNode json(boolean works, String verdict, List<Diagnosis> parts, GpuDiagnosis gpus) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("version", KvFluxCommand.Version.text());
        json.put("device", device);
        json.put("usable", works);
        json.put("gpuUsable", gpus.usable());
        json.put("verdict", verdict);
        var sections = json.putArray("sections");
        for (Diagnosis part : parts) {
            ObjectNode section = sections.addObject();
            section.put("name", part.heading());
            section.set("findings", MAPPER.valueToTree(part.findings()));
        }
        json.set("gpus", MAPPER.valueToTree(gpus.measured()));
        return json;
    }
}
