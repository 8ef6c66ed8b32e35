package io.kvflux.soak;

import java.util.ArrayList;
import java.util.List;

/** What was found so far, of which the first ones are told. Thread-safe. */
final class Findings {

    private static final int MOST = 8;

    private final List<Finding> first = new ArrayList<>();
    private volatile boolean any;

    synchronized void add(Finding.Kind kind, String sentence) {
        any = true;
        if (first.size() < MOST) {
            first.add(new Finding(kind, sentence));
        }
    }

    boolean isEmpty() {
        return !any;
    }

    synchronized List<Finding> list() {
        return List.copyOf(first);
    }
}
