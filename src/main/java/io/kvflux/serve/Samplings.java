package io.kvflux.serve;

import io.kvflux.api.SequenceSpec;
import io.kvflux.selftest.Sampling;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * How the tokens of each live sequence are chosen, by the very spec that was submitted. Output is printable ASCII, so that
 * any part of it is text.
 */
final class Samplings {

    private static final int FIRST = ' ';
    private static final int LAST = '~';
    /** For a step in flight whose sequence has ended: its token goes to nobody. */
    private static final Sampling OF_ENDED = new Sampling(0, 0, FIRST, LAST);

    private final Map<SequenceSpec, Sampling> live = Collections.synchronizedMap(new IdentityHashMap<>());

    static Sampling printable(double temperature, long seed) {
        return new Sampling(temperature, seed, FIRST, LAST);
    }

    void put(SequenceSpec spec, Sampling sampling) {
        live.put(spec, sampling);
    }

    void remove(SequenceSpec spec) {
        live.remove(spec);
    }

    Sampling of(SequenceSpec spec) {
        return Objects.requireNonNullElse(live.get(spec), OF_ENDED);
    }

    int size() {
        return live.size();
    }
}
