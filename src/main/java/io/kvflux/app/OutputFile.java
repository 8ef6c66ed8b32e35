package io.kvflux.app;

import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;

/**
 * A file that appears whole or not at all: written beside its place and moved there by {@link #commit()}. It is opened
 * before the replay, so that a place that cannot be written to is found before any work. Devices and pipes are written
 * to directly.
 */
final class OutputFile implements AutoCloseable {

    private final Path target;
    private final Path written;
    private final Writer writer;

    private OutputFile(Path target, Path written) throws IOException {
        this.target = target;
        this.written = written;
        if (!written.equals(target)) {
            // Covers an end that runs no finally block; after the move there is nothing left to delete.
            try {
                written.toFile().deleteOnExit();
            } catch (IllegalStateException exiting) {
                // Then the exit waits for whoever closes it.
            }
        }
        this.writer = Files.newBufferedWriter(written, StandardCharsets.UTF_8);
    }

    static OutputFile open(String option, Path path) {
        try {
            Path target = place(path);
            return new OutputFile(target, isSpecial(target) ? target : temporary(target));
        } catch (IOException e) {
            throw new FailureException("cannot write " + option + " " + path + ": " + reason(e), e);
        }
    }

    /** The file itself behind any links, so that two names of one file are seen to be one, and links stay. */
    static Path place(Path path) throws IOException {
        Path absolute = path.toAbsolutePath().normalize();
        if (Files.isDirectory(absolute)) {
            throw new IOException("it is a folder");
        }
        if (Files.exists(absolute)) {
            if (!Files.isWritable(absolute)) {
                throw new IOException("the file is write-protected");
            }
            return absolute.toRealPath();
        }
        Path folder = absolute.getParent();
        if (!Files.isDirectory(folder)) {
            throw new IOException("there is no folder " + folder);
        }
        return folder.toRealPath().resolve(absolute.getFileName());
    }

    /** Neither a file nor free for one: a device or a pipe. */
    static boolean isSpecial(Path place) {
        return Files.exists(place) && !Files.isRegularFile(place);
    }

    private static Path temporary(Path target) {
        return target.resolveSibling(
                "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    }

    Writer writer() {
        return writer;
    }

    /** Everything is on its way to the disk; the file is still beside its place. */
    void finish() {
        try {
            writer.close();
        } catch (IOException e) {
            throw writeFailure(e);
        }
    }

    /** Puts a finished file in its place. */
    void commit() {
        try {
            if (!written.equals(target)) {
                Files.move(written, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw writeFailure(e);
        }
    }

    FailureException writeFailure(IOException e) {
        return new FailureException("cannot write " + target + ": " + reason(e), e);
    }

    /** Without {@link #commit()} before it, leaves nothing behind. */
    @Override
    public void close() {
        try {
            writer.close();
        } catch (IOException e) {
            // The file is thrown away, or was committed and is closed.
        }
        if (!written.equals(target)) {
            written.toFile().delete();
        }
    }

    private static String reason(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (!(e instanceof FileSystemException failure)) {
            return String.valueOf(e.getMessage());
        }
        // Without a reason its message is only the path.
        return Objects.requireNonNullElse(failure.getReason(), "no file can be made there");
    }
}
