package io.kvflux.memory.cuda;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Kernels compiled for the processor, to run over its memory: the source of the device's own, and their equivalents of the
 * stand-in driver. What they compute can be seen without a device.
 */
public final class ProcessorKernels implements AutoCloseable {

    private static final String RESOURCES = "src/main/resources/io/kvflux/";
    private static final List<String> FLAGS = List.of(
            "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-O2", "-ffp-contract=off", "-shared", "-fPIC");

    private final NativeLibrary library;

    private ProcessorKernels(NativeLibrary library) {
        this.library = library;
    }

    /**
     * The kernels of a .cu file, below the resources of {@code io.kvflux}; empty, which is said loudly, without a compiler.
     *
     * @param folder takes what is built
     */
    public static Optional<ProcessorKernels> ofSource(Path folder, String source)
            throws IOException, InterruptedException {
        String[] header = {
            "-std=gnu++17", "-include", "src/test/resources/io/kvflux/memory/cuda/processor.h", "-x", "c++"
        };
        return build(folder, "c++", RESOURCES + source, header);
    }

    /** The equivalents of all kernels. */
    public static Optional<ProcessorKernels> ofStandIn(Path folder) throws IOException, InterruptedException {
        return build(folder, "cc", "native-stubs/kernel_functions.c", "-std=gnu11");
    }

    private static Optional<ProcessorKernels> build(Path folder, String compiler, String source, String... options)
            throws IOException, InterruptedException {
        Optional<Tool> tool = Tool.find(compiler);
        if (tool.isEmpty()) {
            Tool.notShown(compiler, source + " computes what Java does");
            return Optional.empty();
        }
        Path built = folder.resolve(Path.of(source).getFileName() + ".so");
        List<String> arguments = new ArrayList<>(FLAGS);
        arguments.addAll(List.of(options));
        arguments.addAll(List.of("-o", built.toString(), source));
        tool.get().run(arguments.toArray(String[]::new));
        return Optional.of(new ProcessorKernels(NativeLibrary.getInstance(built.toString())));
    }

    /** Launches a kernel of a .cu file: its threads run one after another. */
    public void launch(String kernel, int columns, int rows, int threads, Object... arguments) {
        for (int column = 0; column < columns; column++) {
            for (int row = 0; row < rows; row++) {
                for (int thread = 0; thread < threads; thread++) {
                    call("be_thread", columns, rows, threads, column, row, thread);
                    call(kernel, arguments);
                }
            }
        }
    }

    /** Calls a function. */
    public void call(String function, Object... arguments) {
        library.getFunction(function).invokeVoid(arguments);
    }

    /** Calls a function that gives a number. */
    long ask(String function, Object... arguments) {
        return (long) library.getFunction(function).invoke(Long.class, arguments);
    }

    @Override
    public void close() {
        library.close();
    }
}
