package io.kvflux.app;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.app.Cli.Outcome;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The launcher in a project of its own, with a Java and a Maven that only tell how they were called. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(60)
class LauncherTest {

    private static final String BUILDS = "kvflux: building target/kvflux-all.jar";
    private static final List<String> TOOLS = List.of(
            "sh",
            "cat",
            "cut",
            "dirname",
            "find",
            "head",
            "mkdir",
            "mv",
            "readlink",
            "rm",
            "sed",
            "sleep",
            "stty",
            "touch");

    @TempDir
    Path folder;

    private Path project;
    private Path jdk;
    private Path tools;
    private Path source;

    @BeforeEach
    void makeProject() throws IOException {
        project = Files.createDirectories(folder.resolve("a project"));
        Files.copy(Path.of("kvflux"), project.resolve("kvflux"));
        script(project.resolve("kvflux"), Files.readString(project.resolve("kvflux")));
        Files.createFile(project.resolve("pom.xml"));
        source = Files.createFile(
                Files.createDirectories(project.resolve("src/main")).resolve("A.java"));
        jdk = fakeJdk("jdk", "17.0.1");
        tools = Files.createDirectory(folder.resolve("tools"));
        for (String tool : TOOLS) {
            Files.createSymbolicLink(tools.resolve(tool), locate(tool));
        }
        maven("echo build >> \"$PWD/builds\"; echo jar > target/kvflux-all.jar; echo noise");
    }

    /** JUnit warns of every link that leads out of its folder. */
    @AfterEach
    void deleteLinks() throws IOException {
        try (Stream<Path> links = Files.walk(folder)) {
            for (Path link : links.filter(Files::isSymbolicLink).toList()) {
                Files.delete(link);
            }
        }
    }

    @Test
    void firstRunBuildsAndLaterOnesDoNot() throws Exception {
        Outcome first = launch("replay", "--trace", "a b");
        assertThat(first.code()).isZero();
        assertThat(first.err().lines()).singleElement().asString().startsWith(BUILDS);
        assertThat(first.out()).isEqualTo("jdk\n-jar\n" + jar() + "\nreplay\n--trace\na b\n");
        Outcome second = launch();
        assertThat(second.err()).isEmpty();
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void newerSourceBuildsAgain() throws Exception {
        launch();
        touchInFuture(source);
        assertThat(launch().err()).startsWith(BUILDS);
    }

    @Test
    void deletedSourceBuildsAgain() throws Exception {
        launch();
        Files.delete(source);
        touchInFuture(source.getParent());
        assertThat(launch().err()).startsWith(BUILDS);
    }

    @Test
    void sourceThatChangesDuringTheBuildBuildsAgain() throws Exception {
        // Until the clock of the file system has moved on.
        maven("until [ src/main/A.java -nt target/kvflux-build.start ]; do touch src/main/A.java; done;"
                + " echo jar > target/kvflux-all.jar");
        launch();
        assertThat(launch().err()).startsWith(BUILDS);
    }

    @Test
    void worksThroughALinkFromAnotherFolder() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("a project", "kvflux"));
        assertThat(finish(start(link, folder, Map.of(), "plan")).out()).endsWith(jar() + "\nplan\n");
    }

    @Test
    void javaOptionsOfTheUserComeFirst() throws Exception {
        Process process = start(project.resolve("kvflux"), project, Map.of("KVFLUX_JAVA_OPTS", "-Xmx8g -Dx=y"));
        assertThat(finish(process).out()).isEqualTo("jdk\n-Xmx8g\n-Dx=y\n-jar\n" + jar() + "\n");
    }

    @Test
    void tooOldJavaHomeIsPassedOver() throws Exception {
        Path old = fakeJdk("old", "11.0.2");
        String path = jdk.resolve("bin") + ":" + tools;
        Process process = start(project.resolve("kvflux"), project, Map.of("JAVA_HOME", old.toString(), "PATH", path));
        assertThat(finish(process).out()).startsWith("jdk\n");
    }

    @Test
    void failedBuildShowsItsOutputAndLeavesNoJar() throws Exception {
        maven("echo broken; echo jar > target/kvflux-all.jar; exit 3");
        Outcome outcome = launch();
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err()).contains("broken\n", "kvflux: the build failed");
        assertThat(Path.of(jar())).doesNotExist();
    }

    @Test
    void missingMavenIsTold() throws Exception {
        Files.delete(tools.resolve("mvn"));
        Outcome outcome = launch();
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.err().lines())
                .singleElement()
                .asString()
                .startsWith("kvflux: building needs Maven: install it");
    }

    @Test
    void manyLaunchersAtOnceBuildOnce() throws Exception {
        manyAtOnce();
    }

    @Test
    void manyLaunchersAtOnceBuildOnceWithFlock() throws Exception {
        Path flock = locate("flock");
        if (!Files.exists(flock)) {
            System.out.println("Skipped: there is no flock here.");
            return;
        }
        Files.createSymbolicLink(tools.resolve("flock"), flock);
        manyAtOnce();
    }

    @Test
    void lockOfADeadLauncherIsTakenOver() throws Exception {
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Path lock = Files.createDirectories(project.resolve("target/kvflux-build.lock.d"));
        Files.writeString(lock.resolve("pid"), dead.pid() + "\n");
        assertThat(launch().code()).isZero();
        assertThat(builds()).isEqualTo(1);
        assertThat(lock).doesNotExist();
    }

    @Test
    void freshJarIsNotUsedWhileAnotherBuilds() throws Exception {
        launch();
        Path lock = Files.createDirectories(project.resolve("target/kvflux-build.lock.d"));
        Files.writeString(lock.resolve("pid"), ProcessHandle.current().pid() + "\n");
        Process launcher = start(project.resolve("kvflux"), project, Map.of());
        assertWaits(launcher);
        Files.delete(lock.resolve("pid"));
        Files.delete(lock);
        assertThat(finish(launcher).out()).isEqualTo("jdk\n-jar\n" + jar() + "\n");
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void freshJarIsNotUsedWhileAnotherBuildsWithFlock() throws Exception {
        Path flock = locate("flock");
        if (!Files.exists(flock)) {
            System.out.println("Skipped: there is no flock here.");
            return;
        }
        Files.createSymbolicLink(tools.resolve("flock"), flock);
        launch();
        Process builder = new ProcessBuilder(
                        flock.toString(),
                        project.resolve("target/kvflux-build.lock").toString(),
                        "sh",
                        "-c",
                        "echo builds; read end")
                .start();
        assertThat(builder.inputReader().readLine()).isEqualTo("builds");
        Process launcher = start(project.resolve("kvflux"), project, Map.of());
        assertWaits(launcher);
        builder.getOutputStream().close();
        assertThat(finish(launcher).out()).isEqualTo("jdk\n-jar\n" + jar() + "\n");
        assertThat(builds()).isEqualTo(1);
    }

    private static void assertWaits(Process launcher) throws IOException {
        BufferedReader err = launcher.errorReader(StandardCharsets.UTF_8);
        assertThat(err.readLine()).isEqualTo("kvflux: waiting for another launcher that builds");
        assertThat(launcher.isAlive()).isTrue();
    }

    private void manyAtOnce() throws Exception {
        List<Process> launchers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            launchers.add(start(project.resolve("kvflux"), project, Map.of()));
        }
        for (Process launcher : launchers) {
            assertThat(finish(launcher).out()).isEqualTo("jdk\n-jar\n" + jar() + "\n");
        }
        assertThat(builds()).isEqualTo(1);
    }

    private Outcome launch(String... args) throws Exception {
        return finish(start(project.resolve("kvflux"), project, Map.of(), args));
    }

    private Process start(Path launcher, Path directory, Map<String, String> environment, String... args)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(launcher.toString()));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().clear();
        builder.environment()
                .putAll(Map.of("PATH", tools.toString(), "HOME", folder.toString(), "JAVA_HOME", jdk.toString()));
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static Outcome finish(Process process) throws Exception {
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, SECONDS)).isTrue();
        return new Outcome(process.exitValue(), out, err);
    }

    private String jar() throws IOException {
        return project.toRealPath().resolve("target/kvflux-all.jar").toString();
    }

    private long builds() throws IOException {
        return Files.readAllLines(project.resolve("builds")).size();
    }

    private Path fakeJdk(String name, String version) throws IOException {
        Path home = folder.resolve(name);
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
        script(home.resolve("bin/java"), "#!/bin/sh\nprintf '%s\\n' " + name + " \"$@\"\n");
        script(home.resolve("bin/javac"), "#!/bin/sh\n");
        return home;
    }

    private void maven(String commands) throws IOException {
        script(tools.resolve("mvn"), "#!/bin/sh\n" + commands + "\n");
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static Path locate(String tool) {
        Path first = Path.of("/usr/bin", tool);
        return Files.exists(first) ? first : Path.of("/bin", tool);
    }

    private static void touchInFuture(Path path) throws IOException {
        Files.setLastModifiedTime(path, FileTime.from(Instant.now().plusSeconds(60)));
    }
}
