package io.kvflux.sim;

import java.io.Closeable;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** A trace on disk, plain or gzip: opens its lines, and its plain bytes at any place when they have to be sought. */
final class TraceFile implements Closeable {

    private static final int BUFFER_BYTES = 1 << 16;

    private final Path path;
    private final boolean gzip;
    private @Nullable Path unpacked;

    private TraceFile(Path path, boolean gzip) {
        this.path = path;
        this.gzip = gzip;
    }

    /**
     * A file that was seen to exist and to hold something.
     *
     * @throws TraceException if it is missing, is no regular file, is empty or cannot be read
     */
    static TraceFile of(Path path) {
        if (!Files.exists(path)) {
            throw new TraceException(path + ": expected a trace file, found that it does not exist");
        }
        if (!Files.isRegularFile(path)) {
            throw new TraceException(path + ": expected a trace file, found a directory or device");
        }
        try (InputStream in = Files.newInputStream(path)) {
            byte[] magic = in.readNBytes(2);
            if (magic.length == 0) {
                throw new TraceException(path + ": expected a trace, found an empty file");
            }
            return new TraceFile(path, magic.length == 2 && magic[0] == (byte) 0x1f && magic[1] == (byte) 0x8b);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    Path path() {
        return path;
    }

    /** The lines from the first on. */
    LineReader lines() {
        try {
            return gzip ? new LineReader(path.toString(), unzipped(), null) : plainLines(path);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** The lines, to be sought; a gzip file is first unpacked into a temporary one. */
    LineReader seekableLines() {
        try {
            return plainLines(gzip ? unpack() : path);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** Deletes what {@link #seekableLines} unpacked. */
    @Override
    public void close() {
        if (unpacked == null) {
            return;
        }
        try {
            Files.deleteIfExists(unpacked);
        } catch (IOException e) {
            throw unreadable(unpacked, e);
        }
    }

    private LineReader plainLines(Path plain) throws IOException {
        FileInputStream in = new FileInputStream(plain.toFile());
        return new LineReader(path.toString(), in, in.getChannel());
    }

    private InputStream unzipped() throws IOException {
        InputStream in = Files.newInputStream(path);
        try {
            return new GZIPInputStream(in, BUFFER_BYTES);
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    /** The plain bytes of a gzip file in a temporary one, made at the first call. */
    Path unpack() throws IOException {
        if (unpacked == null) {
            unpacked = Files.createTempFile("kvflux-trace-", ".tmp");
            // A replay that is interrupted does not come to close().
            unpacked.toFile().deleteOnExit();
            try (InputStream in = unzipped()) {
                Files.copy(in, unpacked, StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return unpacked;
    }

    private static TraceException unreadable(Path path, IOException e) {
        String found = e instanceof EOFException ? "truncated gzip data" : "that it cannot be read (" + e + ")";
        return new TraceException(path + ": expected a readable trace, found " + found);
    }
}
