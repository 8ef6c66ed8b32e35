package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.app.Cli.Outcome;
import io.kvflux.tier.disk.ChildJvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A process has one driver, so each library has a process of its own here. */
@Timeout(120)
class DoctorCommandTest {

    private static final Path STUBS = Path.of("target", "native-stubs").toAbsolutePath();
    private static final Path STAND_IN = STUBS.resolve("libcuda.so.1");

    @TempDir
    Path folder;

    @Test
    void withoutLookingAtGpus() {
        Outcome outcome = Cli.run("doctor", "--device", "host");
        assertThat(outcome.code()).as(outcome.out()).isZero();
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.out())
                .contains("Java\n  version               " + Runtime.version(), "\nMemory\n", "\nFolders\n")
                .doesNotContain("CUDA")
                .endsWith("\n\nUsable: KvFlux runs on host memory.\n");
    }

    @Test
    void asJson() throws IOException {
        JsonNode json = new ObjectMapper()
                .readTree(Cli.run("doctor", "--device", "host", "--json").out());
        assertThat(json.get("usable").booleanValue()).isTrue();
        assertThat(json.get("gpuUsable").booleanValue()).isFalse();
        assertThat(json.get("gpus")).isEmpty();
        assertThat(json.get("sections").findValuesAsText("name")).contains("Java", "processors", "Memory", "Folders");
    }

    @Test
    void aDeviceThatIsNone() {
        for (String name : List.of("gpu", "cuda:", "cuda:-1", "cuda:99999", "")) {
            Outcome outcome = Cli.run("doctor", "--device", name);
            assertThat(outcome.code()).isEqualTo(2);
            assertThat(outcome.err())
                    .isEqualTo("kvflux: --device: expected host, cuda, cuda:N or cuda:N,N, found '" + name
                            + "' (see kvflux doctor --help)\n");
        }
    }

    @Test
    void anyLibraryThatIsNotThere() throws Exception {
        String missing = folder.resolve("libcuda.so.1").toString();
        assertThat(usable(doctor(missing, "")))
                .contains("! driver ", "library=" + missing, "No such file")
                .contains("no GPU can be used");
        Outcome asked = doctor(missing, "", "--device", "cuda:0");
        assertThat(asked.code()).isEqualTo(1);
        assertThat(asked.out()).endsWith("NOT USABLE with --device cuda:0: see the lines with a mark.\n");
    }

    @Test
    void aFileThatIsNoLibrary() throws Exception {
        Path text =
                Files.writeString(folder.resolve("libcuda.so.1"), "not a library, but long enough to be read as one");
        assertThat(usable(doctor(text.toString(), ""))).contains("! driver ", "library=" + text);
    }

    @Test
    void theStandInSaysWhatItIs() throws Exception {
        needStandIn();
        String out = usable(doctor(STAND_IN.toString(), "strict", "--device", "cuda:1"));
        assertThat(out)
                .contains("THIS IS NO GPU", "  kernels               load\n", "by copy engines", "by kernels")
                .contains("  checksums             all pages came back as they were sent\n")
                .contains("  peers                 cuda:0\n", "  virtual memory        yes\n")
                .endsWith("on the stand-in of the CUDA driver, which is no GPU.\n")
                .doesNotContain("! ");
    }

    @Test
    void theStandInAsJson() throws Exception {
        needStandIn();
        Outcome outcome = doctor(STAND_IN.toString(), "devices 1; memory 256MiB", "--json");
        JsonNode gpu = new ObjectMapper().readTree(outcome.out()).get("gpus").get(0);
        assertThat(gpu.get("gpu").get("totalBytes").longValue()).isEqualTo(256L << 20);
        JsonNode bandwidth = gpu.get("bandwidth");
        assertThat(bandwidth.get("wrongPages").intValue()).isZero();
        assertThat(bandwidth.get("bytes").longValue()).isEqualTo(64L << 20);
        assertThat(bandwidth.get("pages")).hasSize(6);
    }

    @Test
    void anOldDriver() throws Exception {
        needStandIn();
        String out = usable(doctor(STUBS.resolve("old/libcuda.so.1").toString(), "strict; devices 1"));
        assertThat(out).contains("virtual memory        no", "memory pools          no", "batches of copies     no");
        assertThat(out).contains("all pages came back as they were sent");
    }

    @Test
    void driversThatCannotBeUsed() throws Exception {
        needStandIn();
        assertThat(usable(doctor(STUBS.resolve("broken/libcuda.so.1").toString(), "")))
                .contains("! driver ", "cuMemAlloc_v2", "install a driver of version");
        assertThat(usable(doctor(STAND_IN.toString(), "version 11000"))).contains("! driver ", "too old, version=11.0");
        assertThat(usable(doctor(STAND_IN.toString(), "devices 0"))).contains("! driver ", "sees no device");
        assertThat(usable(doctor(STAND_IN.toString(), "fail cuInit 1 803"))).contains("! driver ", "does not start");
    }

    @Test
    void aLostDeviceHidesNoOther() throws Exception {
        needStandIn();
        String out = usable(doctor(STAND_IN.toString(), "strict; lose 0"));
        assertThat(out).contains("! state ", "CUDA_ERROR_LAUNCH_FAILED", "all pages came back as they were sent");
        Outcome asked = doctor(STAND_IN.toString(), "lose 0", "--device", "cuda:0");
        assertThat(asked.code()).isEqualTo(1);
        Outcome inTheMiddle =
                doctor(STAND_IN.toString(), "fail-later cuMemcpyHtoDAsync_v2 2 719", "--device", "cuda:0");
        assertThat(inTheMiddle.code()).isEqualTo(1);
        assertThat(inTheMiddle.out()).contains("! state ", "the device is lost", "restart this process");
    }

    @Test
    void aDeviceThatIsNotThere() throws Exception {
        needStandIn();
        Outcome outcome = doctor(STAND_IN.toString(), "", "--device", "cuda:2");
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.out()).contains("! cuda:2                there is no such GPU, GPUs=2");
    }

    @Test
    void kernelsThatDoNotLoad() throws Exception {
        needStandIn();
        String out = usable(doctor(STAND_IN.toString(), "devices 1; fail cuModuleLoadData 1 222"));
        assertThat(out)
                .contains("! kernels               do not load: cuModuleLoadData", "KernelUse.OFF", "by copy engines")
                .doesNotContain("by kernels");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aFolderThatJnaCannotUse() throws Exception {
        needStandIn();
        Path none = Files.createFile(folder.resolve("none"));
        Outcome outcome = finish(start("-Djna.tmpdir=" + none, STAND_IN.toString(), "", List.of()));
        assertThat(usable(outcome)).contains("! driver ", "JNA does not load", "-Djna.tmpdir=FOLDER");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aDeviceThatDoesNotAnswerCanBeInterrupted() throws Exception {
        needStandIn();
        Process doctor = start("-Dx=y", STAND_IN.toString(), "hold", List.of());
        try {
            InterruptionTest.assumeInterruptible(doctor);
            StringBuilder seen = new StringBuilder();
            while (seen.indexOf("working ") < 0) {
                seen.append((char) doctor.getInputStream().read());
            }
            new ProcessBuilder("kill", "-INT", Long.toString(doctor.pid()))
                    .start()
                    .waitFor();
            assertThat(doctor.waitFor()).isEqualTo(130);
        } finally {
            doctor.destroyForcibly();
        }
    }

    private static void needStandIn() {
        boolean built = Files.exists(STAND_IN);
        if (!built) {
            System.err.println("NOT RUN: the stand-in of the CUDA driver was not built, for want of a C compiler");
        }
        assumeTrue(built, "the stand-in of the CUDA driver was not built");
    }

    private static String usable(Outcome outcome) {
        assertThat(outcome.code()).as(outcome.out()).isZero();
        assertThat(outcome.out()).contains("\nUsable: ");
        return outcome.out();
    }

    private static Outcome doctor(String library, String script, String... args) throws Exception {
        return finish(start("-Dx=y", library, script, List.of(args)));
    }

    private static Outcome finish(Process doctor) throws Exception {
        String out = new String(doctor.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(doctor.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(out).doesNotContain("\tat ", "Exception");
        return new Outcome(doctor.exitValue(), out, "");
    }

    private static Process start(String flag, String library, String script, List<String> args) throws IOException {
        List<String> all = new ArrayList<>(List.of("doctor"));
        all.addAll(args);
        ProcessBuilder doctor = ChildJvm.builder(List.of("-Dkvflux.cuda.library=" + library, flag), Main.class, all);
        doctor.environment().put("KVFLUX_STUB", script);
        return doctor.redirectErrorStream(true).start();
    }
}
