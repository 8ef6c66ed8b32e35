package io.kvflux.core;

/**
 * Which sequence is preempted when a decode finds no block. A sequence whose consumer has paused always goes first, one
 * already placed in the step never.
 */
public enum VictimRule {
    /** The one whose loss costs least: the fewest tokens to compute again; of equals the last admitted. */
    LEAST_COST,
    /** The one that was admitted last. */
    LAST_ADMITTED
}
