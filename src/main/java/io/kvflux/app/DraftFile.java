package io.kvflux.app;

import io.kvflux.sim.Acceptance;
import io.kvflux.sim.InputText;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Small text files about drafts: numbers separated by blanks or commas, a row a line. Empty lines, and what follows a
 * {@code #}, mean nothing.
 */
final class DraftFile {

    private static final String BY_POSITION = "by-position";
    private static final String BY_SEQUENCE = "by-sequence";
    private static final int MOST_BYTES = 1 << 26;

    private record Line(int number, String[] words) {}

    private final Path file;
    private final List<Line> lines = new ArrayList<>();

    private DraftFile(Path file) {
        this.file = file;
        List<String> text = read(file);
        for (int i = 0; i < text.size(); i++) {
            String line = text.get(i).replaceFirst("#.*", "").replace(',', ' ').strip();
            if (!line.isEmpty()) {
                lines.add(new Line(i + 1, line.split("\\s+")));
            }
        }
    }

    private static List<String> read(Path file) {
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw new FailureException("cannot read " + file + ": it has more than " + MOST_BYTES + " bytes");
            }
            byte[] bytes = Files.readAllBytes(file);
            int begin = InputText.begin(bytes, bytes.length);
            ByteBuffer text = ByteBuffer.wrap(bytes, begin, bytes.length - begin);
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(text)
                    .toString()
                    .lines()
                    .toList();
        } catch (NoSuchFileException e) {
            throw new FailureException("cannot read " + file + ": there is no such file", e);
        } catch (CharacterCodingException e) {
            throw new FailureException("cannot read " + file + ": it is not UTF-8 text", e);
        } catch (IOException e) {
            throw new FailureException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** Rows of a batch size, rising, and the drafts of each sequence from there on. */
    static List<int[]> table(Path path) {
        DraftFile file = new DraftFile(path);
        List<int[]> rows = new ArrayList<>();
        int before = 0;
        for (Line line : file.lines) {
            if (line.words.length != 2) {
                throw file.wrong(line, "expected a batch size and a number of drafts");
            }
            int batchSize = file.whole(line, 0, before + 1, Integer.MAX_VALUE);
            rows.add(new int[] {batchSize, file.whole(line, 1, 0, Converters.DraftTokens.MOST)});
            before = batchSize;
        }
        if (rows.isEmpty()) {
            throw new FailureException(path + ": expected a row of a batch size and a number of drafts, found none");
        }
        return rows;
    }

    /** By position: one row of rates. By sequence: a row for each. The first line says which. */
    static Acceptance acceptance(Path path) {
        DraftFile file = new DraftFile(path);
        String form = file.lines.isEmpty() ? "" : file.lines.get(0).words[0];
        boolean bySequence = form.equals(BY_SEQUENCE);
        if ((!bySequence && !form.equals(BY_POSITION)) || file.lines.get(0).words.length != 1) {
            throw new FailureException(path + (file.lines.isEmpty() ? "" : ":" + file.lines.get(0).number)
                    + ": expected the line '" + BY_POSITION + "' or '" + BY_SEQUENCE + "' before the rates, found '"
                    + form + "'");
        }
        List<Line> rows = file.lines.subList(1, file.lines.size());
        if (rows.isEmpty()) {
            throw new FailureException(path + ": expected a row of rates after '" + form + "', found none");
        }
        if (!bySequence && rows.size() > 1) {
            throw file.wrong(rows.get(1), "expected one row of rates after '" + BY_POSITION + "'");
        }
        return Acceptance.bySequence(rows.stream().map(file::rates).toList());
    }

    private double[] rates(Line line) {
        return Arrays.stream(line.words).mapToDouble(word -> rate(line, word)).toArray();
    }

    private double rate(Line line, String word) {
        try {
            double rate = InputText.decimal(word);
            if (rate >= 0 && rate <= 1) {
                return rate;
            }
        } catch (NumberFormatException e) {
            // The message below says what is expected.
        }
        throw wrong(line, "expected a probability from 0 to 1, not '" + word + "'");
    }

    private int whole(Line line, int word, int least, int most) {
        try {
            int value = Integer.parseInt(line.words[word]);
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            // The message below says what is expected.
        }
        String what = word == 0 ? "rising batch sizes, here at least " + least : "from 0 to " + most + " drafts";
        throw wrong(line, "expected " + what);
    }

    private FailureException wrong(Line line, String expected) {
        return new FailureException(
                file + ":" + line.number + ": " + expected + ", found '" + String.join(" ", line.words) + "'");
    }
}
