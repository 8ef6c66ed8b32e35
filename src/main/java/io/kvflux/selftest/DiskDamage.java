package io.kvflux.selftest;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Damages the files of a disk store, knowing of them what their documentation says: a header of 4096 bytes, then records of
 * 128 bytes, then slots.
 */
final class DiskDamage {

    private static final int HEADER_BYTES = 4096;
    private static final int RECORD_BYTES = 128;
    /** Of a header, the magic number and the version: with others it is not damaged, but of somebody else. */
    private static final int IDENTITY_BYTES = 12;

    private static final String LOCK = "store.lock";

    private final Path directory;
    private final int slots;
    private final SplittableRandom random;
    private boolean done;
    private boolean foreignSegment;
    /** What a file once held. */
    private byte @Nullable [] remembered;

    private @Nullable Path rememberedFile;

    DiskDamage(Path directory, int slots, SplittableRandom random) {
        this.directory = directory;
        this.slots = slots;
        this.random = random;
    }

    boolean isDone() {
        return done;
    }

    /** Whether something that is not the store's has the name of a segment. */
    boolean isForeign() {
        return foreignSegment;
    }

    /** Something has the name of the first segment before there is one. */
    void takeName() {
        try {
            Files.writeString(directory.resolve("segment-000000.kvflux"), "not of the store");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        done = true;
        foreignSegment = true;
    }

    /** Whether there is a segment that is the store's. */
    boolean leftOurs() {
        return !foreignSegment && !segments().isEmpty();
    }

    /** Sums of all files by name, but for that of the lock. */
    Map<String, Long> sums() {
        Map<String, Long> sums = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (!name.equals(LOCK)) {
                    CRC32 sum = new CRC32();
                    sum.update(Files.readAllBytes(file));
                    sums.put(name, sum.getValue());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sums;
    }

    /** Damages pages that a store has open, whose files must keep their headers and lengths; false if there are none. */
    boolean inUse() {
        List<Path> segments = segments();
        if (segments.isEmpty()) {
            return false;
        }
        Path file = segments.get(random.nextInt(segments.size()));
        try {
            switch (remembered == null ? 0 : random.nextInt(6)) {
                case 0 -> remember(file);
                case 1, 2, 3 -> putBack();
                default -> flip(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return true;
    }

    /** Damages a directory that nobody has; false if there is nothing to damage. */
    boolean atRest() {
        List<Path> segments = segments();
        if (segments.isEmpty()) {
            return false;
        }
        done = true;
        Path file = segments.get(random.nextInt(segments.size()));
        try {
            switch (random.nextInt(10)) {
                case 0 -> {
                    Files.writeString(directory.resolve("notes.txt"), "not of the store");
                    Files.writeString(directory.resolve("segment-000000.new"), "a file that was being made");
                }
                case 1 -> truncate(file);
                case 2 -> damageHeader(file);
                case 3 -> putBack();
                default -> flip(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return true;
    }

    private List<Path> segments() {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".kvflux"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void truncate(Path file) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            long after = open.length() - HEADER_BYTES;
            if (after > 0) {
                open.setLength(random.nextInt(4) == 0 ? 0 : HEADER_BYTES + random.nextLong(after));
            }
        }
    }

    private void damageHeader(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        if (bytes.length > HEADER_BYTES) {
            foreignSegment |= random.nextInt(4) == 0;
            int at = foreignSegment ? 0 : IDENTITY_BYTES + random.nextInt(HEADER_BYTES - IDENTITY_BYTES);
            bytes[at] ^= 0x55;
            Files.write(file, bytes);
        }
    }

    private void remember(Path file) throws IOException {
        remembered = Files.readAllBytes(file);
        rememberedFile = file;
    }

    /** As a disk does that tells of writes it has not carried out: pages and records of earlier are there again. */
    private void putBack() throws IOException {
        if (rememberedFile == null || remembered == null || !Files.exists(rememberedFile)) {
            return;
        }
        done = true;
        try (RandomAccessFile open = new RandomAccessFile(rememberedFile.toFile(), "rw")) {
            int length = (int) Math.min(open.length(), remembered.length);
            if (length > HEADER_BYTES) {
                open.seek(HEADER_BYTES);
                open.write(remembered, HEADER_BYTES, length - HEADER_BYTES);
            }
        }
    }

    /** Changes some bytes of pages or records, of those that are not zero. */
    private void flip(Path file) throws IOException {
        done = true;
        byte[] bytes = Files.readAllBytes(file);
        int recordsEnd = Math.min(bytes.length, HEADER_BYTES + slots * RECORD_BYTES);
        int flips = 1 + random.nextInt(2 * slots + 1);
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            for (int i = 0; i < flips; i++) {
                int end = random.nextBoolean() ? recordsEnd : bytes.length;
                int at = end <= HEADER_BYTES ? end : HEADER_BYTES + random.nextInt(end - HEADER_BYTES);
                while (at < bytes.length && bytes[at] == 0) {
                    at++;
                }
                if (at < bytes.length) {
                    open.seek(at);
                    open.write(bytes[at] ^ 1 << random.nextInt(8));
                }
            }
        }
    }
}
