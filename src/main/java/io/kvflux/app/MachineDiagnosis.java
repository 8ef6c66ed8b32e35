package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.chronicle.MachineMemory;
import io.kvflux.memory.chronicle.MappedRegion;
import io.kvflux.memory.chronicle.MissingFlagsException;
import io.kvflux.memory.chronicle.Region;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Looks at what KvFlux runs on, but for GPUs: Java, memory, and folders. What cannot be known is left out. */
final class MachineDiagnosis {

    private static final String LAUNCHER = "start KvFlux with ./kvflux";
    private static final int NATIVE_ACCESS_SINCE = 22;
    private static final int COMPLAINS_SINCE = 24;
    private static final long LITTLE_SPACE = 1L << 30;

    private MachineDiagnosis() {}

    static Diagnosis java() {
        Diagnosis java = new Diagnosis("Java");
        java.ok(
                "version",
                Runtime.version() + " (" + System.getProperty("java.vendor") + "), " + System.getProperty("java.home"));
        java.ok(
                "system",
                System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                        + System.getProperty("os.arch"));
        java.ok("processors", Numbers.count(Runtime.getRuntime().availableProcessors()));
        java.ok("heap", "at most " + size(Runtime.getRuntime().maxMemory()) + ", -Xmx sets it");
        addFlags(java);
        addHostMemory(java);
        return java;
    }

    private static void addFlags(Diagnosis java) {
        boolean complete = true;
        try {
            MappedRegion.requireFlags();
        } catch (MissingFlagsException missing) {
            String flags = String.join(" ", missing.flags());
            java.problem("flags", "a disk tier needs " + flags, LAUNCHER + ", or add them to the command line");
            complete = false;
        }
        if (Runtime.version().feature() >= COMPLAINS_SINCE) {
            if (!wasGiven("--sun-misc-unsafe-memory-access=")) {
                java.problem(
                        "flags",
                        "without --sun-misc-unsafe-memory-access=allow Java complains of what Chronicle does",
                        LAUNCHER + ", or add it to the command line");
                complete = false;
            }
            if (!nativeAccessIsEnabled()) {
                java.problem(
                        "flags",
                        "without --enable-native-access=ALL-UNNAMED Java complains of what JNA does",
                        LAUNCHER + ", or add it to the command line");
                complete = false;
            }
        }
        if (complete) {
            java.ok("flags", "all that docs/memory.md asks for");
        }
    }

    private static boolean wasGiven(String flag) {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream().anyMatch(arg -> arg.startsWith(flag));
    }

    /** Java 17, which this is compiled for, has no such method. */
    private static boolean nativeAccessIsEnabled() {
        if (Runtime.version().feature() < NATIVE_ACCESS_SINCE) {
            return true;
        }
        try {
            return (boolean) Module.class.getMethod("isNativeAccessEnabled").invoke(MachineDiagnosis.class.getModule());
        } catch (ReflectiveOperationException unknown) {
            return true;
        }
    }

    private static void addHostMemory(Diagnosis java) {
        try (Region region = Region.allocate(1 << 20, 4096)) {
            byte[] some = {1, 2, 3};
            region.write(region.bytes() - some.length, some);
            region.read(region.bytes() - some.length, some);
            java.ok("native memory", "works");
        } catch (RuntimeException | Error refused) {
            java.failure("native memory", "cannot be used: " + refused, LAUNCHER + " and a JDK 17 or newer");
        }
    }

    static Diagnosis memory() {
        Diagnosis memory = new Diagnosis("Memory");
        long usable = MachineMemory.ofThisMachine().bytes();
        String facts = read(Path.of("/proc/meminfo"));
        long machine = kibibytes(facts, "MemTotal");
        long available = kibibytes(facts, "MemAvailable");
        memory.ok(
                "machine",
                size(machine > 0 ? machine : usable) + (available > 0 ? ", " + size(available) + " available" : ""));
        if (machine > 0) {
            boolean limited = usable < machine;
            memory.ok("container", limited ? "limited to " + size(usable) : "no limit below the machine's");
        }
        String locked = first(read(Path.of("/proc/self/limits")), "Max locked memory\\s+(\\S+)");
        if (!locked.isEmpty()) {
            memory.ok(
                    "locked (ulimit -l)",
                    locked.equals("unlimited")
                            ? locked
                            : size(Long.parseLong(locked)) + ": raise it if host memory cannot be pinned");
        }
        String huge = first(read(Path.of("/sys/kernel/mm/transparent_hugepage/enabled")), "\\[(\\w+)]");
        if (!huge.isEmpty()) {
            memory.ok(
                    "huge pages",
                    huge.equals("always")
                            ? huge
                            : huge + ": 'always' makes large host tiers quicker to touch and copy");
        }
        return memory;
    }

    static Diagnosis folders() {
        Diagnosis folders = new Diagnosis("Folders");
        addFolder(folders, "temporary", Path.of(System.getProperty("java.io.tmpdir")));
        if (!Boolean.getBoolean("jna.nounpack")) {
            addJnaFolder(folders, jnaFolder());
        }
        addFolder(folders, "working", Path.of("").toAbsolutePath());
        return folders;
    }

    private static void addJnaFolder(Diagnosis folders, Path folder) {
        addFolder(folders, "JNA unpacks into", folder);
        if (isNoexec(folder)) {
            folders.problem(
                    "JNA unpacks into",
                    folder + " is on a file system mounted noexec, so no GPU can be used",
                    "name another folder with -Djna.tmpdir=FOLDER");
        }
    }

    /** As JNA decides it on Linux; elsewhere it is the temporary folder, or nothing that can go wrong in another way. */
    private static Path jnaFolder() {
        String named = System.getProperty("jna.tmpdir");
        if (named != null) {
            return Path.of(named);
        }
        String cache = System.getenv("XDG_CACHE_HOME");
        return cache != null && !cache.isBlank()
                ? Path.of(cache, "JNA", "temp")
                : Path.of(System.getProperty("user.home"), ".cache", "JNA", "temp");
    }

    private static void addFolder(Diagnosis folders, String name, Path folder) {
        Path there = existing(folder);
        if (!Files.isDirectory(there) || !Files.isWritable(there)) {
            folders.problem(name, folder + " cannot be written to", "make it writable, or " + other(name));
            return;
        }
        try {
            long free = Files.getFileStore(there).getUsableSpace();
            if (free < LITTLE_SPACE / 16) {
                folders.problem(name, folder + " has only " + size(free) + " free", "make room, or " + other(name));
            } else {
                folders.ok(name, folder + ", " + size(free) + " free");
            }
        } catch (IOException unknown) {
            folders.ok(name, folder.toString());
        }
    }

    private static String other(String name) {
        return switch (name) {
            case "temporary" -> "name another with -Djava.io.tmpdir=FOLDER";
            case "working" -> "work in another";
            default -> "name another with -Djna.tmpdir=FOLDER";
        };
    }

    /** The folder, or the one in which it would be made. */
    private static Path existing(Path folder) {
        Path there = folder.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        return there;
    }

    private static boolean isNoexec(Path folder) {
        Path there = existing(folder);
        String longest = "";
        boolean noexec = false;
        for (String line : read(Path.of("/proc/self/mounts")).lines().toList()) {
            List<String> words = List.of(line.split(" ", -1));
            String at = words.size() < 4 ? "" : words.get(1).replace("\\040", " ");
            if (!at.isEmpty() && there.startsWith(at) && at.length() >= longest.length()) {
                longest = at;
                noexec = List.of(words.get(3).split(",", -1)).contains("noexec");
            }
        }
        return noexec;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException | SecurityException unknown) {
            return "";
        }
    }

    private static long kibibytes(String facts, String name) {
        String found = first(facts, name + ":\\s+(\\d+) kB");
        return found.isEmpty() ? 0 : Long.parseLong(found) << 10;
    }

    private static String first(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        return matcher.find() ? matcher.group(1) : "";
    }

    static String size(long bytes) {
        return new DataSize(bytes).toString();
    }
}
