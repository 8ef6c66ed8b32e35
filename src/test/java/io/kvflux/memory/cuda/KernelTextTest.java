package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The PTX text that is committed: that it is what its source says, and what drivers and old devices take. */
class KernelTextTest {

    private static final Path RESOURCES = Path.of("src/main/resources/io/kvflux");
    private static final Pattern COMPILER = Pattern.compile("release \\S+, V\\S+");
    private static final Pattern ENTRY = Pattern.compile("__global__ void (\\w+)\\(([^)]*)\\)");
    /** An operation that the device's compiler may round otherwise than Java, or make one of two. */
    private static final Pattern LOOSE = Pattern.compile(
            "\\b(?:(?:add|sub|mul)\\.(?!rn\\.f32)(?:\\w+\\.)*f32|(?:fma|mad|div|ex2|rcp|rsqrt|sqrt)\\.(?:\\w+\\.)*f32|\\w+\\.ftz)");

    @TempDir
    private Path folder;

    private static String text(String kernels, String kind) throws IOException {
        return Files.readString(RESOURCES.resolve(kernels + kind));
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory/cuda/pages", "selftest/attention"})
    void namesItsCommandAndIsForOldDriversAndDevices(String kernels) throws IOException {
        assertThat(text(kernels, ".ptx"))
                .startsWith("// Made from " + kernels.replaceFirst(".*/", "") + ".cu by native-stubs/ptx")
                .contains("//   nvcc -ptx -arch=compute_75 ", "\n.version 6.4\n", "\n.target sm_75\n");
    }

    /** Arguments are given in slots of 8 bytes, so that their number and their order are all that can be wrong. */
    @ParameterizedTest
    @ValueSource(strings = {"memory/cuda/pages", "selftest/attention"})
    void hasTheKernelsOfItsSourceWithTheirParameters(String kernels) throws IOException {
        String ptx = text(kernels, ".ptx");
        int found = 0;
        Matcher entry = ENTRY.matcher(text(kernels, ".cu"));
        while (entry.find()) {
            int parameters = entry.group(2).split(",", -1).length;
            assertThat(ptx)
                    .contains(".visible .entry " + entry.group(1) + "(")
                    .contains(entry.group(1) + "_param_" + (parameters - 1) + "\n")
                    .doesNotContain(entry.group(1) + "_param_" + parameters);
            found++;
        }
        assertThat(found).isPositive();
    }

    @Test
    void attentionRoundsEveryProductAndEverySumByItself() throws IOException {
        String ptx = text("selftest/attention", ".ptx");
        assertThat(LOOSE.matcher(ptx).results().map(found -> found.group())).isEmpty();
        assertThat(ptx).contains("mul.rn.f32", "add.rn.f32");
        assertThat(LOOSE.matcher("mul.f32 fma.rn.f32 add.ftz.f32 mul.rn.ftz.f32 div.rn.f32")
                        .results())
                .hasSize(5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory/cuda/pages", "selftest/attention"})
    void isWhatTheCompilerMakesOfItsSource(String kernels) throws IOException, InterruptedException {
        Optional<Tool> compiler = Tool.find("nvcc");
        if (compiler.isEmpty()) {
            Tool.notShown("nvcc", kernels + ".ptx is what its source says");
        }
        assumeTrue(compiler.isPresent());
        String version = compiler.orElseThrow().run("--version");
        Matcher own = COMPILER.matcher(version);
        assertThat(own.find()).as(version).isTrue();
        ProcessBuilder script = new ProcessBuilder("native-stubs/ptx", folder.toString());
        script.environment().put("NVCC", compiler.orElseThrow().path().toString());
        Tool.run(script);
        String fresh = Files.readString(folder.resolve(Path.of(kernels).getFileName() + ".ptx"));
        String committed = text(kernels, ".ptx");
        if (committed.contains(own.group())) {
            assertThat(fresh)
                    .as("run native-stubs/ptx and commit what it writes")
                    .isEqualTo(committed);
        } else {
            Tool.notShown("nvcc of the version that " + kernels + ".ptx names", "it is what its source says");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory/cuda/pages", "selftest/attention"})
    void canBeAssembledForEveryDevice(String kernels) throws IOException, InterruptedException {
        Optional<Tool> assembler = Tool.find("ptxas");
        if (assembler.isEmpty()) {
            Tool.notShown("ptxas", kernels + ".ptx can be assembled");
        }
        assumeTrue(assembler.isPresent());
        for (String device : new String[] {"sm_75", "sm_80", "sm_90"}) {
            String output = assembler
                    .orElseThrow()
                    .run(
                            "-arch=" + device,
                            "-o",
                            folder.resolve(device).toString(),
                            RESOURCES + "/" + kernels + ".ptx");
            assertThat(output).as("warnings").isBlank();
        }
    }
}
