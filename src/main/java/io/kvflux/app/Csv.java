package io.kvflux.app;

import java.io.IOException;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Rows of comma-separated values, quoted as RFC 4180 says, each ended by a line feed. */
final class Csv {

    private final OutputFile file;

    Csv(OutputFile file, String... header) {
        this.file = file;
        row((Object[]) header);
    }

    /** Writes one row; a number that is NaN, for what never happened, is an empty value. */
    void row(Object... values) {
        String line = Arrays.stream(values).map(Csv::text).collect(Collectors.joining(",", "", "\n"));
        try {
            file.writer().write(line);
        } catch (IOException e) {
            throw file.writeFailure(e);
        }
    }

    private static String text(Object value) {
        if (value instanceof Double number) {
            return number.isNaN() ? "" : BigDecimal.valueOf(number).toPlainString();
        }
        String text = value.toString();
        boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
