package io.kvflux.selftest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * A bug that is put into the real sources, one at a time: a few places of a few files are changed, those files are compiled
 * again, and a class loader of its own shows the result in place of the original. Nothing in the product knows of it.
 */
public final class Mutant {

    private static final Path SOURCES = Path.of("src/main/java/io/kvflux");

    private static final String HUNT_BY_COMPUTING = "io.kvflux.selftest.Hunt";
    private static final String HUNT_BY_CRASHING = "io.kvflux.tier.disk.CrashHunt";

    private final String name;
    private final Map<String, List<Edit>> edits = new LinkedHashMap<>();
    private String hunt = HUNT_BY_COMPUTING;

    /** Lines that stand in a source, and what comes in their place; both without indentation. */
    private record Edit(List<String> before, List<String> after) {
        Edit() {
            this(new ArrayList<>(), new ArrayList<>());
        }
    }

    private Mutant(String name) {
        this.name = name;
    }

    /** The sources as they are. */
    static Mutant none() {
        return new Mutant("none");
    }

    /** The sources, but that a process dies when {@link io.kvflux.tier.disk.Crash} says so. */
    public static Mutant dying() {
        Mutant dying = read("crash.txt").get(0);
        dying.hunt = HUNT_BY_CRASHING;
        return dying;
    }

    /** All bugs of {@code bugs.txt}, which says how it is read. */
    static List<Mutant> all() {
        return read("bugs.txt");
    }

    private static List<Mutant> read(String file) {
        List<Mutant> mutants = new ArrayList<>();
        List<Edit> edits = List.of();
        for (String line : text(file).split("\\R", -1)) {
            if (line.startsWith("# ")) {
                mutants.add(new Mutant(line.substring(2)));
            } else if (line.equals("! crash")) {
                mutants.get(mutants.size() - 1).dies();
            } else if (line.startsWith("@ ")) {
                edits = mutants.get(mutants.size() - 1)
                        .edits
                        .computeIfAbsent(line.substring(2), f -> new ArrayList<>());
            } else if (line.startsWith("- ")) {
                if (edits.isEmpty() || !edits.get(edits.size() - 1).after().isEmpty()) {
                    edits.add(new Edit());
                }
                edits.get(edits.size() - 1).before().add(line.substring(2).strip());
            } else if (line.startsWith("+")) {
                edits.get(edits.size() - 1).after().add(line.substring(1).strip());
            }
        }
        return mutants;
    }

    private static String text(String file) {
        try (InputStream in = Mutant.class.getResourceAsStream(file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void dies() {
        edits.putAll(dying().edits);
        hunt = HUNT_BY_CRASHING;
    }

    /** What looks for it, with it in the sources; gives what it found under a number, or null. */
    public LongFunction<?> hunt() throws ReflectiveOperationException {
        return (LongFunction<?>) load().loadClass(hunt).getConstructor().newInstance();
    }

    /** A loader in which every class of KvFlux is loaded anew, the changed ones as changed. */
    ClassLoader load() {
        Map<String, byte[]> classes = compile();
        ClassLoader original = Mutant.class.getClassLoader();
        return new ClassLoader(original) {
            @Override
            protected Class<?> loadClass(String className, boolean resolve) throws ClassNotFoundException {
                synchronized (getClassLoadingLock(className)) {
                    Class<?> loaded = findLoadedClass(className);
                    if (loaded == null && className.startsWith("io.kvflux.")) {
                        byte[] bytes = classes.containsKey(className) ? classes.get(className) : bytesOf(className);
                        loaded = defineClass(className, bytes, 0, bytes.length);
                    }
                    return loaded == null ? super.loadClass(className, resolve) : loaded;
                }
            }
        };
    }

    private static byte[] bytesOf(String className) throws ClassNotFoundException {
        String resource = className.replace('.', '/') + ".class";
        try (InputStream in = Mutant.class.getClassLoader().getResourceAsStream(resource)) {
            if (in == null) {
                throw new ClassNotFoundException(className);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, byte[]> compile() {
        if (edits.isEmpty()) {
            return Map.of();
        }
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Map<String, ByteArrayOutputStream> outputs = new HashMap<>();
        List<JavaFileObject> sources = new ArrayList<>();
        edits.forEach((file, changes) -> sources.add(source(file, changes)));
        StringWriter messages = new StringWriter();
        JavaFileManager files = new Memory(compiler.getStandardFileManager(null, null, null), outputs);
        List<String> options = List.of("-proc:none", "-nowarn", "-classpath", System.getProperty("java.class.path"));
        if (!compiler.getTask(messages, files, null, options, null, sources).call()) {
            throw new AssertionError("the bug '" + name + "' does not compile: " + messages);
        }
        Map<String, byte[]> classes = new HashMap<>();
        outputs.forEach((className, bytes) -> classes.put(className, bytes.toByteArray()));
        return classes;
    }

    private JavaFileObject source(String file, List<Edit> changes) {
        List<String> lines = new ArrayList<>();
        try {
            Files.readAllLines(SOURCES.resolve(file)).forEach(line -> lines.add(line.strip()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (Edit change : changes) {
            int at = Collections.indexOfSubList(lines, change.before());
            if (at < 0 || Collections.lastIndexOfSubList(lines, change.before()) != at) {
                throw new AssertionError("the bug '" + name + "' changes lines that must stand exactly once in " + file
                        + ": " + change.before() + "; has the source changed? Then put the bug where its rule is now.");
            }
            lines.subList(at, at + change.before().size()).clear();
            lines.addAll(at, change.after());
        }
        String changed = String.join("\n", lines);
        return new SimpleJavaFileObject(URI.create("string:///io/kvflux/" + file), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return changed;
            }
        };
    }

    /** Keeps what is compiled. */
    private static final class Memory extends ForwardingJavaFileManager<JavaFileManager> {

        private final Map<String, ByteArrayOutputStream> outputs;

        Memory(JavaFileManager files, Map<String, ByteArrayOutputStream> outputs) {
            super(files);
            this.outputs = outputs;
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
            return new SimpleJavaFileObject(URI.create("mem:///" + className), kind) {
                @Override
                public OutputStream openOutputStream() {
                    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                    outputs.put(className, bytes);
                    return bytes;
                }
            };
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
