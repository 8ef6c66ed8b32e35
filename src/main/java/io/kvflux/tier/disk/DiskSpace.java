package io.kvflux.tier.disk;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/** Where space for segments comes from. */
interface DiskSpace {

    /** The disk itself. Zeros are written and not skipped, so that a full disk shows now and not in a mapping. */
    DiskSpace REAL = new DiskSpace() {

        private static final byte[] ZEROS = new byte[1 << 20];

        @Override
        public long usableBytes(Path directory) {
            return directory.toFile().getUsableSpace();
        }

        @Override
        public void fill(RandomAccessFile file, long from, long to) throws IOException {
            file.seek(from);
            for (long at = from; at < to; at += ZEROS.length) {
                file.write(ZEROS, 0, (int) Math.min(ZEROS.length, to - at));
            }
        }
    };

    /** About how much can still be written; 0 if nobody knows. */
    long usableBytes(Path directory);

    /** Makes a range of a file zeros that have their place on the disk; fails if there is none. */
    void fill(RandomAccessFile file, long from, long to) throws IOException;
}
