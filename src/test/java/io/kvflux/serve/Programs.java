package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Programs that tests run where they are; who has not got one is told so. */
final class Programs {

    private Programs() {}

    /** Skips the test, and says why, unless the programs are on the path. */
    static void need(String what, String... programs) {
        for (String program : programs) {
            need(isOnPath(program), what + " is not tried, because there is no " + program + " here");
        }
    }

    static void need(boolean holds, String otherwise) {
        String sentence = "Skipped: " + otherwise;
        if (!holds) {
            System.out.println(sentence);
        }
        assumeTrue(holds, sentence);
    }

    private static boolean isOnPath(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    /** What a program printed; its failure is a failure here. */
    static String run(Path folder, int seconds, String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("kvflux", ".out");
        Process process = new ProcessBuilder(List.of(command))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            String said = Files.readString(output);
            assertThat(ended)
                    .as("%s ends within %d s: %s", command[0], seconds, said)
                    .isTrue();
            assertThat(process.exitValue()).as(said).isZero();
            return said;
        } finally {
            process.destroyForcibly();
            Files.delete(output);
        }
    }
}
