package io.kvflux.core;

import java.util.Arrays;

/**
 * What the sequences of a replica will hold, by what is known of {@link OutputLengths}: at each of a number of steps from now
 * on the mean and the variance of their blocks, each having grown by then or having ended. With many sequences the sum is
 * close to normal, so mean and some deviations say what is enough with which probability; where few hold most of it, that can
 * be more than they could ever hold, so it is at most what they hold if nobody has ended.
 *
 * <p>A block that several hold is counted once as long as they run: of the blocks counted twice now are left as many as pairs
 * of which both still run, which is no more than there will be.
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
    /** What they hold at these times if nobody has ended. */
    private final double[] most = new double[POINTS];

    private double stepsApart;
    /** Whether it knows those that run now: it is made when it is first asked, as most plans need not ask. */
    private boolean isMade;
    /** By how much the blocks that those who run hold now, added up, are more than these are. */
    private long shared;

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
        Arrays.fill(most, 0);
        stepsApart = HORIZON * lengths.all().remaining(0) / POINTS;
        long held = 0;
        for (int i = 0; i < replica.running.size(); i++) {
            Sequence sequence = replica.running.get(i);
            if (sequence.state == Sequence.State.RUNNING) {
                add(sequence, Math.max(sequence.scheduled, sequence.prefillTarget));
                held += sequence.table.size();
            }
        }
        shared = Math.max(0, held - replica.pool.heldBlocks());
    }

    /** One more runs; so many of its blocks others hold too. */
    void admitted(Sequence sequence, int heldHits) {
        if (isMade) {
            add(sequence, sequence.length);
            shared += heldHits;
        }
    }

    private void add(Sequence sequence, int tokens) {
        double now = sequence.survival(sequence.generated());
        for (int i = 0; i < POINTS; i++) {
            double later = (i + 1) * stepsApart;
            double chance = chance(sequence, now, later);
            double blocks = blocks(tokens + later);
            mean[i] += chance * blocks;
            variance[i] += chance * (1 - chance) * blocks * blocks;
            most[i] += blocks;
        }
    }

    /** The most blocks that will be needed at a time, by those that run and one more that shares so many blocks with them. */
    int peak(Replica replica, Sequence sequence, int heldHits) {
        if (!isMade) {
            make(replica);
        }
        double twice = shared + heldHits;
        double now = sequence.survival(sequence.generated());
        double peak = 0;
        for (int i = 0; i < POINTS; i++) {
            double later = (i + 1) * stepsApart;
            double chance = chance(sequence, now, later);
            double blocks = blocks(sequence.length + later);
            double usual = mean[i] + chance * blocks;
            double all = most[i] + blocks;
            double spread = Math.sqrt(variance[i] + chance * (1 - chance) * blocks * blocks);
            double bothRun = usual / all * (usual / all);
            peak = Math.max(peak, Math.min(usual + deviations * spread - twice * bothRun, all - twice));
        }
        return (int) Math.ceil(peak);
    }

    /** Blocks for so many tokens, whose last one is half full on average. */
    private double blocks(double tokens) {
        return tokens / pageSize + 0.5;
    }

    /** The chance that a sequence still runs so many steps from now, where it has come with a chance of {@code now}. */
    private static double chance(Sequence sequence, double now, double later) {
        return later < sequence.tokensLeft() ? sequence.survival(sequence.generated() + later) / now : 0;
    }
}
