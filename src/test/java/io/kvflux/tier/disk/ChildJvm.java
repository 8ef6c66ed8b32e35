package io.kvflux.tier.disk;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Java processes that start fast and may map files. */
public final class ChildJvm {

    private ChildJvm() {}

    public static Process start(Class<?> main, String... args) throws IOException {
        return builder(List.of(), main, List.of(args))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** The same with more flags; its errors are to be read, or redirected. */
    public static ProcessBuilder builder(List<String> flags, Class<?> main, List<String> args) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
                "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Xshare:auto",
                "-Xmx64m"));
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(args);
        return new ProcessBuilder(command);
    }
}
