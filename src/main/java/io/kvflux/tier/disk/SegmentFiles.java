package io.kvflux.tier.disk;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files of one directory: {@code segment-000007.kvflux}, and {@code segment-000007.new} while it is made. A file gets
 * its real name when it has its length and its header, so one with a real name is whole whenever the process dies.
 */
final class SegmentFiles {

    /** What lies in a directory, by name; nothing is opened. */
    record Listing(List<Integer> segments, List<Path> unfinished, int foreign) {}

    private static final Pattern SEGMENT = Pattern.compile("segment-([0-9]{6})\\.(kvflux|new)");

    private final Path directory;
    private final SegmentPlan plan;
    private final DiskSpace space;

    SegmentFiles(Path directory, SegmentPlan plan, DiskSpace space) {
        this.directory = directory;
        this.plan = plan;
        this.space = space;
    }

    Path file(int segment) {
        return directory.resolve(String.format(Locale.ROOT, "segment-%06d.kvflux", segment));
    }

    Listing list() throws IOException {
        List<Integer> segments = new ArrayList<>();
        List<Path> unfinished = new ArrayList<>();
        int foreign = 0;
        try (Stream<Path> entries = Files.list(directory)) {
            for (Path entry : entries.sorted().toList()) {
                String name = entry.getFileName().toString();
                Matcher matcher = SEGMENT.matcher(name);
                if (!matcher.matches() || !Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
                    foreign += name.equals(DirectoryLock.FILE) ? 0 : 1;
                } else if (matcher.group(2).equals("new")) {
                    unfinished.add(entry);
                } else {
                    segments.add(Integer.parseInt(matcher.group(1)));
                }
            }
        }
        return new Listing(segments, unfinished, foreign);
    }

    SegmentHeader.Verdict judge(int segment) throws IOException {
        byte[] header = new byte[SegmentPlan.HEADER_BYTES];
        try (RandomAccessFile file = new RandomAccessFile(file(segment).toFile(), "r")) {
            file.readFully(header, 0, (int) Math.min(header.length, file.length()));
        }
        return SegmentHeader.judge(header, plan, segment);
    }

    /**
     * Gives a file that was cut off, or is of a store of another size, the length that it has now.
     *
     * @return false if the disk has no room for what it lacks
     */
    boolean fit(int segment) throws IOException {
        long wanted = plan.bytesOfSegment(segment);
        try (RandomAccessFile file = new RandomAccessFile(file(segment).toFile(), "rw")) {
            long length = file.length();
            if (length < wanted) {
                return fill(file, length, wanted);
            } else if (length > wanted) {
                file.setLength(wanted);
            }
            return true;
        }
    }

    private boolean fill(RandomAccessFile file, long from, long to) {
        try {
            space.fill(file, from, to);
            return true;
        } catch (IOException noRoom) {
            return false;
        }
    }

    /**
     * Makes a segment without pages; leaves nothing behind where it fails.
     *
     * @throws FileAlreadyExistsException if something else has the segment's name
     */
    void create(int segment) throws IOException {
        Path target = file(segment);
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(target.toString());
        }
        Path unfinished = directory.resolve(String.format(Locale.ROOT, "segment-%06d.new", segment));
        try {
            try (RandomAccessFile file = new RandomAccessFile(unfinished.toFile(), "rw")) {
                space.fill(file, 0, plan.bytesOfSegment(segment));
                file.seek(0);
                file.write(SegmentHeader.encode(plan, segment));
            }
            Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.deleteIfExists(unfinished);
            throw e;
        }
    }

    /** Waits until the disk has the files' names as well. */
    void forceNames() throws IOException {
        // A thread that is interrupted cannot use a channel.
        boolean interrupted = Thread.interrupted();
        try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
            names.force(true);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
