package io.kvflux.app;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Sections of rows: labels to the left, values aligned to the right in columns of one width. */
final class TextTable {

    private static final String INDENT = "  ";
    private static final int LABEL_WIDTH = 28;
    private static final int VALUE_WIDTH = 12;

    private final List<String> lines = new ArrayList<>();

    TextTable section(String heading, String... columns) {
        if (!lines.isEmpty()) {
            lines.add("");
        }
        lines.add(line(heading, LABEL_WIDTH + INDENT.length(), columns));
        return this;
    }

    TextTable row(String label, String... values) {
        lines.add(INDENT + line(label, LABEL_WIDTH, values));
        return this;
    }

    private static String line(String label, int width, String... values) {
        StringBuilder line = new StringBuilder(pad(label, width));
        for (String value : values) {
            // A value longer than its column moves the rest, but never joins its neighbour.
            line.append(' ')
                    .append(" ".repeat(Math.max(0, VALUE_WIDTH - 1 - value.length())))
                    .append(value);
        }
        return line.toString().stripTrailing();
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }

    void print(PrintWriter out) {
        lines.forEach(out::println);
    }
}
