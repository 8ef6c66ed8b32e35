package io.kvflux.core;

/** The order in which waiting sequences are admitted. A preempted one goes back to the head of its queue, but not under SHORTEST. */
public enum QueuePolicy {
    /** In order of arrival; never skips: while the head does not fit, nobody behind it is admitted. */
    FIFO,
    /** Lower {@code priority} first, then in order of arrival. May skip a head that does not fit, bounded. */
    PRIORITY,
    /**
     * The tenant that has had the fewest computed tokens first, then in order of arrival; a tenant that had nothing waiting
     * starts level with the least served one that waits, or else with the one admitted last (virtual token counters:
     * Y. Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024). May skip a head that does not fit, bounded.
     */
    FAIR,
    /**
     * The least predicted work first: what a sequence will hold, added up over its steps, by its prompt and by the lengths of
     * outputs that were seen so far. Who is submitted more than {@code ageing} steps after it does not overtake it.
     * A preempted sequence takes its place by what is left of it. May skip a head that does not fit, bounded.
     */
    SHORTEST
}
