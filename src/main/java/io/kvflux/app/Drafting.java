package io.kvflux.app;

import io.kvflux.draft.DraftPolicy;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/**
 * Who drafts how much, as {@code --speculation} says it.
 *
 * @param text as it was said
 * @param mostDrafts most drafts of a sequence in a round that it names, 0 where it names none
 * @param policy makes one for a replica
 */
record Drafting(String text, int mostDrafts, Supplier<DraftPolicy> policy) {

    static final Drafting OFF = new Drafting("off", 0, DraftPolicy::off);
    static final Drafting ADAPTIVE = new Drafting("adaptive", 0, DraftPolicy::adaptive);

    private static final String FIXED = "fixed:";
    static final String TABLE = "table:";

    /** Reads a policy; of a table its file too. */
    static Drafting parse(String text) {
        if (text.equals(OFF.text)) {
            return OFF;
        }
        if (text.equals(ADAPTIVE.text)) {
            return ADAPTIVE;
        }
        if (text.startsWith(FIXED)) {
            int drafts = drafts(text);
            return new Drafting(text, drafts, () -> DraftPolicy.fixed(drafts));
        }
        if (text.startsWith(TABLE) && text.length() > TABLE.length()) {
            return table(text, DraftFile.table(Path.of(text.substring(TABLE.length()))));
        }
        throw new UsageException(
                "--speculation must be off, fixed:K, table:FILE or adaptive, --speculation='" + text + "'");
    }

    private static int drafts(String text) {
        try {
            return new Converters.DraftTokens().convert(text.substring(FIXED.length()));
        } catch (RuntimeException e) {
            throw new UsageException("--speculation fixed:K: " + e.getMessage(), e);
        }
    }

    private static Drafting table(String text, List<int[]> rows) {
        int[] batchSizes = rows.stream().mapToInt(row -> row[0]).toArray();
        int[] drafts = rows.stream().mapToInt(row -> row[1]).toArray();
        int most = Arrays.stream(drafts).max().orElse(0);
        return most == 0
                ? new Drafting(text, 0, DraftPolicy::off)
                : new Drafting(text, most, () -> DraftPolicy.table(batchSizes, drafts));
    }
}
