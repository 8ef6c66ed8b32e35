package io.kvflux.sim;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rows of a file, in its own order or, by an index, in order of time. */
final class TraceWorkload implements Workload {

    private final TraceFile file;
    private final RowFormat rows;
    private final long size;
    private final long seed;
    private final List<String> notices;
    private final @Nullable TraceIndex index;
    private final LineReader lines;
    private long returned;

    TraceWorkload(
            TraceFile file, RowFormat rows, long size, long seed, List<String> notices, @Nullable TraceIndex index) {
        this.file = file;
        this.rows = rows;
        this.size = size;
        this.seed = seed;
        this.notices = List.copyOf(notices);
        this.index = index;
        this.lines = index == null ? file.lines() : file.seekableLines();
        if (index == null && !rows.header().isEmpty()) {
            lines.next();
        }
    }

    @Override
    public String name() {
        return String.valueOf(file.path().getFileName());
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public List<String> notices() {
        return notices;
    }

    @Override
    public @Nullable SimRequest next() {
        if (returned == size) {
            return null;
        }
        long row = index == null ? returned : seek(index, (int) returned);
        if (!lines.next()) {
            throw lines.fault("expected " + size + " rows as when the file was opened, found its end");
        }
        returned++;
        return rows.request(lines, row, seed);
    }

    private long seek(TraceIndex order, int place) {
        int row = order.rowAt(place);
        lines.seek(order.offset(row), row + (rows.header().isEmpty() ? 1L : 2L));
        return row;
    }

    @Override
    public void close() {
        try (file) {
            lines.close();
        }
    }
}
