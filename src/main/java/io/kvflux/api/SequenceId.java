package io.kvflux.api;

/**
 * Names one sequence of one scheduler; never used again.
 *
 * @param value counts up from 1 in order of submission
 */
public record SequenceId(long value) {

    @Override
    public String toString() {
        return "sequence " + value;
    }
}
