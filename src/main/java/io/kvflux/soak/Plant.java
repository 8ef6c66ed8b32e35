package io.kvflux.soak;

import io.kvflux.BlockScheduler;

/** Hears of every sequence that has ended, and may do harm: for tests that show that it is found. */
@FunctionalInterface
interface Plant {

    /** Does nothing. */
    Plant NONE = (scheduler, ended, client) -> {};

    /**
     * A sequence has ended.
     *
     * @param ended how many have in this soak, this one included
     * @param client whose sequence it was
     */
    void ended(BlockScheduler scheduler, long ended, Client client);
}
