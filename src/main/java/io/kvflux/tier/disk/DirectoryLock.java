package io.kvflux.tier.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Keeps others out of a directory: a lock of the operating system on a file in it, which is gone with the process that
 * held it, however that died. The file names the process for the message and stays behind, since deleting it would let
 * two in.
 *
 * <p>A process loses a POSIX lock as soon as it closes <em>any</em> descriptor of the file, so a second store of the same
 * process must not even open it: that one is turned away by {@link #HELD}.
 */
final class DirectoryLock implements AutoCloseable {

    static final String FILE = "store.lock";

    /** Directories that stores of this process have, by their real paths. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path real;
    private final FileChannel channel;

    private DirectoryLock(Path real, FileChannel channel) {
        this.real = real;
        this.channel = channel;
    }

    static DirectoryLock take(Path directory) {
        try {
            Path real = directory.toRealPath();
            if (!HELD.add(real)) {
                throw held(directory, "this process");
            }
            try {
                return new DirectoryLock(real, lock(directory, real.resolve(FILE)));
            } catch (IOException | RuntimeException e) {
                HELD.remove(real);
                throw e;
            }
        } catch (IOException e) {
            throw new DiskException(
                    "a disk store must be able to lock a file in its directory, directory=" + directory + ", failure='"
                            + e + "': make the directory writable, or choose another",
                    e);
        }
    }

    private static FileChannel lock(Path directory, Path file) throws IOException {
        // Opening a pipe would wait for somebody at its other end.
        if (Files.exists(file)
                && Files.readAttributes(file, BasicFileAttributes.class).isOther()) {
            throw new DiskException("the lock of a disk store is a plain file, found='" + file
                    + "', which is a pipe or the like: delete it, or choose another directory");
        }
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (tryLock(channel) == null) {
                String pid = Files.readString(file);
                throw held(directory, pid.isEmpty() ? "a process" : "process " + pid);
            }
            channel.truncate(0);
            byte[] pid = Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII);
            channel.write(ByteBuffer.wrap(pid));
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // A store of this process whose classes another loader has.
            return null;
        }
    }

    private static DiskException held(Path directory, String by) {
        return new DiskException("a disk store belongs to one process at a time, and to one store in it, directory="
                + directory + ", heldBy=" + by + ": close the other store, or choose another directory");
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new IllegalStateException("a lock must come off again, directory=" + real, e);
        } finally {
            HELD.remove(real);
        }
    }
}
