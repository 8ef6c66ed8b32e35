package io.kvflux.core;

/**
 * Which sequence is preempted when a decode finds no block. A sequence whose consumer has paused always goes first, one
 * already placed in the step never.
 */
public enum VictimRule {
    /**
     * The one whose loss costs least: the fewest tokens to compute again, not counting pages that others hold too; of equals
     * the last admitted. One that would free no block goes last.
     */
    LEAST_COST,
    /** The one that was admitted last. */
    LAST_ADMITTED
}
