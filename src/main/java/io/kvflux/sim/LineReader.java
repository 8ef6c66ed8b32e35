package io.kvflux.sim;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a stream as bytes in one reused buffer, without their line end. It knows where it stands, so that every
 * complaint about a line is made here and names file and line.
 */
final class LineReader implements Closeable {

    /** A longer line is refused: no row of a trace needs it, and memory stays bounded. */
    static final int MAX_LINE_BYTES = 64 << 20;

    private static final int FIRST_BUFFER_BYTES = 1 << 16;
    private static final int EXCERPT_CHARS = 40;

    private final String file;
    private final InputStream in;
    private final @Nullable FileChannel channel;
    private byte[] buffer = new byte[FIRST_BUFFER_BYTES];
    private long bufferOffset;
    private int filled;
    private int start;
    private int end;
    private int next;
    private long number;
    private boolean terminated = true;

    /**
     * Lines of a stream.
     *
     * @param file what messages call the file
     * @param in its bytes
     * @param channel the channel {@code in} reads from when {@link #seek} shall work
     */
    LineReader(String file, InputStream in, @Nullable FileChannel channel) {
        this.file = file;
        this.in = in;
        this.channel = channel;
    }

    /** Moves to the next line; false at the end of the stream. */
    boolean next() {
        number++;
        start = next;
        int searched = start;
        while (true) {
            int lineEnd = indexOfNewline(searched);
            if (lineEnd >= 0) {
                endLine(lineEnd, lineEnd + 1, true);
                return true;
            }
            int length = filled - start;
            if (!fill()) {
                endLine(filled, filled, false);
                return filled > start;
            }
            searched = start + length;
        }
    }

    /** Makes {@code next()} return the line that starts at an offset of the stream. */
    void seek(long offset, long lineNumber) {
        number = lineNumber - 1;
        if (offset >= bufferOffset && offset <= bufferOffset + filled) {
            next = (int) (offset - bufferOffset);
            return;
        }
        if (channel == null) {
            throw new IllegalStateException("only a plain file can be sought, file=" + file);
        }
        try {
            channel.position(offset);
        } catch (IOException e) {
            throw unreadable(e);
        }
        bufferOffset = offset;
        filled = 0;
        next = 0;
    }

    byte[] bytes() {
        return buffer;
    }

    /** Where the line starts in {@link #bytes()}. */
    int start() {
        return start;
    }

    int length() {
        return end - start;
    }

    boolean isBlank() {
        for (int i = start; i < end; i++) {
            if (buffer[i] != ' ' && buffer[i] != '\t') {
                return false;
            }
        }
        return true;
    }

    /** Whether a line end follows the line; the last line of a file that was cut off has none. */
    boolean isTerminated() {
        return terminated;
    }

    /** The line's place in the stream, in bytes. */
    long offset() {
        return bufferOffset + start;
    }

    long number() {
        return number;
    }

    String text() {
        return new String(buffer, start, length(), StandardCharsets.UTF_8);
    }

    /** The start of the line for a message. */
    String excerpt() {
        return excerpt(new String(buffer, start, Math.min(length(), 4 * EXCERPT_CHARS), StandardCharsets.UTF_8));
    }

    /** A text made fit for a message: short, on one line, without control characters. */
    static String excerpt(String text) {
        if (text.isEmpty()) {
            return "nothing";
        }
        boolean binary = text.chars().anyMatch(c -> c == 0xFFFD || (c < ' ' && c != '\t') || c == 0x7F);
        if (binary) {
            return "bytes that are not text";
        }
        return text.length() <= EXCERPT_CHARS ? "'" + text + "'" : "'" + text.substring(0, EXCERPT_CHARS) + "...'";
    }

    /** A complaint about the current line. */
    TraceException fault(String sentence) {
        return new TraceException(file + ":" + number + ": " + sentence);
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private int indexOfNewline(int from) {
        for (int i = from; i < filled; i++) {
            if (buffer[i] == '\n') {
                return i;
            }
        }
        return -1;
    }

    private void endLine(int lineEnd, int nextStart, boolean isTerminated) {
        if (bufferOffset + start == 0) {
            start = InputText.begin(buffer, lineEnd);
        }
        end = lineEnd > start && buffer[lineEnd - 1] == '\r' ? lineEnd - 1 : lineEnd;
        next = nextStart;
        terminated = isTerminated;
    }

    /** Reads more behind the current line, which moves to the front of the buffer; false at the end of the stream. */
    private boolean fill() {
        if (start > 0) {
            System.arraycopy(buffer, start, buffer, 0, filled - start);
            bufferOffset += start;
            filled -= start;
            start = 0;
        }
        if (filled == buffer.length) {
            grow();
        }
        try {
            int read = in.read(buffer, filled, buffer.length - filled);
            filled += Math.max(read, 0);
            return read > 0;
        } catch (EOFException e) {
            throw fault("expected more gzip data, found the end of the file: it is truncated");
        } catch (ZipException e) {
            throw fault("expected intact gzip data, found damage (" + e.getMessage() + ")");
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private void grow() {
        if (buffer.length == MAX_LINE_BYTES) {
            throw fault("expected a line of at most " + MAX_LINE_BYTES + " bytes, found a longer one");
        }
        buffer = Arrays.copyOf(buffer, 2 * buffer.length);
    }

    private TraceException unreadable(IOException e) {
        return fault("expected to read on, found that the file cannot be read (" + e.getMessage() + ")");
    }
}
