package io.kvflux.serve;

import java.util.List;

/**
 * Ends a text before the first stop string in it, wherever the strings fall between tokens: text that may be the beginning
 * of one is held back until it is known. For one sequence.
 */
final class StopText {

    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    StopText(List<String> stops) {
        this.stops = stops;
    }

    /** The next character; gives the text that is known to belong to the output. */
    String add(char next) {
        held.append(next);
        int match = 0;
        int begun = 0;
        for (String stop : stops) {
            if (endsWith(stop, stop.length())) {
                match = Math.max(match, stop.length());
            }
            begun = Math.max(begun, longestBeginning(stop));
        }
        stopped = match > 0;
        return release(held.length() - (stopped ? match : begun));
    }

    /** Whether a stop string has come; the text ends before it. */
    boolean stopped() {
        return stopped;
    }

    /** What is still held back, when nothing more comes. */
    String rest() {
        return release(held.length());
    }

    private String release(int length) {
        String text = held.substring(0, length);
        held.delete(0, length);
        return text;
    }

    /** Characters at the end of what is held back that are the beginning of a stop string, but not all of it. */
    private int longestBeginning(String stop) {
        int length = Math.min(stop.length() - 1, held.length());
        while (!endsWith(stop, length)) {
            length--;
        }
        return length;
    }

    private boolean endsWith(String stop, int length) {
        int at = held.length() - length;
        if (at < 0) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (held.charAt(at + i) != stop.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
