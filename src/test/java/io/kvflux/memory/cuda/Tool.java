package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A compiler that a test uses where the machine has it. */
record Tool(Path path) {

    /** Looks where programs are, and where CUDA is if nobody moved it. */
    static Optional<Tool> find(String name) {
        String folders = System.getenv("PATH") + File.pathSeparator + "/usr/local/cuda/bin";
        return Stream.of(folders.split(File.pathSeparator, -1))
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .map(Tool::new)
                .findFirst();
    }

    /** Says loudly that something was not shown. */
    static void notShown(String name, String what) {
        System.err.println("NOT SHOWN: " + what + ". There is no " + name + " on this machine.");
    }

    /** Runs it to its end, which must be a good one. */
    String run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(path.toString()));
        command.addAll(List.of(arguments));
        return run(new ProcessBuilder(command));
    }

    static String run(ProcessBuilder command) throws IOException, InterruptedException {
        Process process = command.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(command.command() + "\n" + output).isZero();
        return output;
    }
}
