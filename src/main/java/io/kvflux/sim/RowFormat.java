package io.kvflux.sim;

/** How the lines of one form of trace are read. Every complaint is a {@link TraceException} naming file and line. */
sealed interface RowFormat permits AzureRows, JsonRows {

    /** The longest prompt and the longest output accepted, in tokens; more is taken for damage. */
    int MAX_LENGTH = 1 << 24;

    /** The header line a file starts with, or an empty string when there is none. */
    String header();

    /** Reads only the arrival time of a row, so that a first pass over a large file stays cheap. */
    long arrivalNanos(LineReader line);

    /** Reads and checks a whole row. */
    TraceRequest request(LineReader line, long index, long seed);

    /** An output of no tokens is run as one token: a prefill always yields one. */
    static int outputLength(int recorded) {
        return Math.max(1, recorded);
    }
}
