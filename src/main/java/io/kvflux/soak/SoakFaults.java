package io.kvflux.soak;

import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.FaultyDeviceMemory.Faults;
import io.kvflux.sim.TokenPattern;

/**
 * What a soak's device does to batches: of a thousand between device and host thirty are late and twenty fail, of a thousand
 * of a step two are late and one fails. Depends on the seed and the batch's number alone.
 */
final class SoakFaults implements Faults {

    private static final Fault[] FAILURES = {
        Fault.FAIL, Fault.DELAY_FAIL, Fault.HALF_FAIL, Fault.DONE_FAIL, Fault.REFUSE
    };

    private final long seed;

    SoakFaults(long seed) {
        this.seed = seed;
    }

    @Override
    public Fault of(int number, CopyBatch batch) {
        long chance = TokenPattern.next(seed, number) >>> 1;
        boolean transfer = batch.transferredBlocks() > 0;
        int perMille = (int) (chance % 1_000);
        if (perMille < (transfer ? 30 : 2)) {
            return Fault.DELAY;
        } else if (perMille < (transfer ? 50 : 3)) {
            return FAILURES[(int) (chance / 1_000 % FAILURES.length)];
        }
        return Fault.NONE;
    }
}
