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
    LAST_ADMITTED,
    /**
     * The one that is expected to take most still: what it holds, added up over its steps. One that has waited and run for more
     * than {@code ageing} steps goes after those that have not, of such the last submitted first, and the first submitted of
     * all that run only if nobody else can.
     */
    MOST_WORK,
    /**
     * The one that costs least for each block that it frees and each step that it is expected to take still. As to ageing as
     * above.
     */
    CHEAPEST_ROOM;

    /** {@return whether it needs to know how long outputs become} */
    public boolean isByLength() {
        return this == MOST_WORK || this == CHEAPEST_ROOM;
    }
}
