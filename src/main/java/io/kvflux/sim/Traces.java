package io.kvflux.sim;

import java.nio.file.Path;
import java.util.List;

/**
 * Opens trace files as workloads. {@code docs/workloads.md} defines the formats; gzip is recognised by its first bytes.
 *
 * <p>Opening reads the file once, up to the limit, for the number of rows and their order; of a row it looks at the
 * time only, but the first row, and a last one without a line end, are checked whole. Every other row is checked when
 * {@link Workload#next()} reaches it. A file in order of time is streamed. For one that is not, 20 bytes a row are held
 * (24 while they are sorted), and a gzip file is unpacked into a temporary one that {@link Workload#close()} deletes.
 */
public final class Traces {

    private Traces() {}

    /**
     * A trace in order of arrival; rows of equal time keep the order of the file, and a file that had to be sorted says
     * so in {@link Workload#notices()}.
     *
     * @param file the trace, plain or gzip
     * @param format its form
     * @param limit the most rows to read, counted in file order before any sorting; {@link Long#MAX_VALUE} for all
     * @param seed what the tokens of the requests are made from
     * @return the workload, to be closed
     * @throws TraceException if the file cannot be read or is no such trace; the message is one sentence that names the
     *     file, the line, what was expected and what was found
     * @throws IllegalArgumentException if the limit is not positive
     */
    public static Workload open(Path file, TraceFormat format, long limit, long seed) {
        return open(file, format, limit, seed, true);
    }

    /**
     * A trace in the order of its file, whatever its times.
     *
     * @param file the trace, plain or gzip
     * @param format its form
     * @param limit the most rows to read; {@link Long#MAX_VALUE} for all
     * @param seed what the tokens of the requests are made from
     * @return the workload, to be closed
     * @throws TraceException if the file cannot be read or is no such trace; the message is one sentence that names the
     *     file, the line, what was expected and what was found
     * @throws IllegalArgumentException if the limit is not positive
     */
    public static Workload openUnsorted(Path file, TraceFormat format, long limit, long seed) {
        return open(file, format, limit, seed, false);
    }

    private static Workload open(Path path, TraceFormat format, long limit, long seed, boolean sort) {
        if (limit < 1) {
            throw new IllegalArgumentException("limit must be positive, limit=" + limit);
        }
        TraceFile file = TraceFile.of(path);
        RowFormat rows = rowFormat(file, format);
        Scan scan = scan(file, rows, limit);
        if (!sort || scan.firstOutOfOrder == 0) {
            return new TraceWorkload(file, rows, scan.rows, seed, List.of(), null);
        }
        String notice =
                path + ":" + scan.firstOutOfOrder + ": the rows are not in order of time from here on; they were"
                        + " sorted, and rows of equal time keep the order of the file.";
        return sorted(file, rows, scan.rows, seed, notice);
    }

    private static Workload sorted(TraceFile file, RowFormat rows, long count, long seed, String notice) {
        try {
            return new TraceWorkload(file, rows, count, seed, List.of(notice), index(file, rows, count));
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static RowFormat rowFormat(TraceFile file, TraceFormat format) {
        return switch (format) {
            case AUTO -> detect(file);
            case MOONCAKE -> JsonRows.mooncake();
            case AZURE -> new AzureRows();
            case BLOCKS -> JsonRows.blocks();
        };
    }

    private static RowFormat detect(TraceFile file) {
        try (LineReader lines = file.lines()) {
            lines.next();
            String line = lines.text();
            if (line.startsWith("TIMESTAMP,")) {
                return new AzureRows();
            }
            for (JsonRows rows : List.of(JsonRows.mooncake(), JsonRows.blocks())) {
                if (rows.recognises(line)) {
                    return rows;
                }
            }
            throw lines.fault("expected a Mooncake row {\"timestamp\": ..., a block row {\"t\": ... or the header "
                    + AzureRows.HEADER + ", found " + lines.excerpt());
        }
    }

    /** How many rows there are, and the number of the first line that is earlier than the one before, or 0. */
    private record Scan(long rows, long firstOutOfOrder) {}

    private static Scan scan(TraceFile file, RowFormat rows, long limit) {
        try (LineReader lines = file.lines()) {
            readHeader(rows, lines);
            long count = 0;
            long latest = Long.MIN_VALUE;
            long firstOutOfOrder = 0;
            while (count < limit && nextRow(lines)) {
                long time = rows.arrivalNanos(lines);
                if (count == 0 || !lines.isTerminated()) {
                    rows.request(lines, count, 0);
                }
                if (time < latest && firstOutOfOrder == 0) {
                    firstOutOfOrder = lines.number();
                }
                latest = Math.max(latest, time);
                count++;
            }
            if (count == 0) {
                throw lines.fault("expected a row, found the end of the file");
            }
            return new Scan(count, firstOutOfOrder);
        }
    }

    private static TraceIndex index(TraceFile file, RowFormat rows, long count) {
        if (count > Integer.MAX_VALUE - 8) {
            throw new TraceException(file.path() + ": expected at most " + (Integer.MAX_VALUE - 8)
                    + " rows to be sorted by time, found " + count);
        }
        TraceIndex index = new TraceIndex((int) count);
        try (LineReader lines = file.seekableLines()) {
            readHeader(rows, lines);
            for (int row = 0; row < count && nextRow(lines); row++) {
                index.set(row, rows.arrivalNanos(lines), lines.offset());
            }
        }
        index.sort();
        return index;
    }

    private static void readHeader(RowFormat rows, LineReader lines) {
        String header = rows.header();
        if (!header.isEmpty() && !(lines.next() && lines.text().equals(header))) {
            throw lines.fault("expected the header " + header + ", found " + lines.excerpt());
        }
    }

    /** Moves to the next row; empty lines are allowed at the end of a file only, so that rows can be counted. */
    private static boolean nextRow(LineReader lines) {
        if (!lines.next()) {
            return false;
        }
        if (!lines.isBlank()) {
            return true;
        }
        TraceException empty = lines.fault("expected a row, found an empty line");
        while (lines.next()) {
            if (!lines.isBlank()) {
                throw empty;
            }
        }
        return false;
    }
}
