package io.kvflux.core;

import java.util.Arrays;

/**
 * What the sequences of a replica will hold, by what is known of {@link OutputLengths}: at each of a number of steps from now
 * on the mean and the variance of their blocks, each having grown by then or having ended. With many sequences the sum is
 * close to normal, so mean and some deviations say what is enough with which probability.
 */
final class GrowthForecast {

    private static final int POINTS = 48;
    /** How far it looks, in outputs as usual: by then most of those that run now have ended. */
    private static final double HORIZON = 1.5;

    private final OutputLengths lengths;
    private final int pageSize;
    private final double deviations;
    private final double[] mean = new double[POINTS];
    private final double[] variance = new double[POINTS];
    private double stepsApart;
    /** Whether it knows those that run now: it is made when it is first asked, as most plans need not ask. */
    private boolean isMade;

    private double shared;

    /**
     * Of one replica.
     *
     * @param deviations standard deviations by which less may be needed than there is
     */
    GrowthForecast(OutputLengths lengths, int pageSize, double deviations) {
        this.lengths = lengths;
        this.pageSize = pageSize;
        this.deviations = deviations;
    }

    /** Those that run have changed, or have grown. */
    void expire() {
        isMade = false;
    }

    private void make(Replica replica) {
        isMade = true;
        Arrays.fill(mean, 0);
        Arrays.fill(variance, 0);
        stepsApart = HORIZON * lengths.all().remaining(0) / POINTS;
        long held = 0;
        for (int i = 0; i < replica.running.size(); i++) {
            Sequence sequence = replica.running.get(i);
            if (sequence.state == Sequence.State.RUNNING) {
                add(sequence, Math.max(sequence.scheduled, sequence.prefillTarget));
                held += sequence.table.size();
            }
        }
        shared = Math.max(0, held - replica.pool.heldBlocks()) / 2.0; // some of its holders will have ended by then
    }

    /** One more runs, of so many tokens. */
    void admitted(Sequence sequence, int tokens) {
        if (isMade) {
            add(sequence, tokens);
        }
    }

    private void add(Sequence sequence, int tokens) {
        double now = sequence.survival(sequence.generated());
        for (int i = 0; i < POINTS; i++) {
            double later = (i + 1) * stepsApart;
            double chance = chance(sequence, now, later);
            double blocks = (tokens + later) / pageSize + 0.5;
            mean[i] += chance * blocks;
            variance[i] += chance * (1 - chance) * blocks * blocks;
        }
    }

    /** The most blocks that will be needed at a time, by those that run and one more, of so many tokens. */
    int peak(Replica replica, Sequence sequence, int tokens) {
        if (!isMade) {
            make(replica);
        }
        double now = sequence.survival(sequence.generated());
        double peak = 0;
        for (int i = 0; i < POINTS; i++) {
            double later = (i + 1) * stepsApart;
            double chance = chance(sequence, now, later);
            double blocks = (tokens + later) / pageSize + 0.5;
            double spread = Math.sqrt(variance[i] + chance * (1 - chance) * blocks * blocks);
            peak = Math.max(peak, mean[i] + chance * blocks + deviations * spread);
        }
        return (int) Math.ceil(peak - shared);
    }

    /** The chance that a sequence still runs so many steps from now, where it has come with a chance of {@code now}. */
    private static double chance(Sequence sequence, double now, double later) {
        return later < sequence.tokensLeft() ? sequence.survival(sequence.generated() + later) / now : 0;
    }
}
