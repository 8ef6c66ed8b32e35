package io.kvflux.block;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * A random traffic of documents that goes round some phases, each of its own kind, drawn from a seed: scans, loops, skewed
 * choices, returns after about one gap and returns after any. Its length is 60 times the pool's content.
 */
final class ShiftingMix {

    private enum Kind {
        SCAN,
        LOOP,
        SKEWED,
        LATE,
        ANY_TIME
    }

    private static final double[] PHASES = {0.5, 1, 2, 4, 8, 16};
    private static final int OWN = 64;
    private static final int FRESH = 1 << 20;

    private final SplittableRandom random;
    private final int pages;
    /** Documents in a pool. */
    private final int documents;

    private final Kind[] kinds;
    private final double[] rates;
    private final double phase;
    private final boolean shared;
    /** The documents of all requests so far. */
    private final int[] used;

    private int requests;
    private int fresh = FRESH;

    ShiftingMix(long seed, int blocks) {
        random = new SplittableRandom(seed);
        pages = random.nextBoolean() ? 1 : 1 + random.nextInt(30);
        documents = Math.max(2, blocks / pages);
        kinds = new Kind[1 + random.nextInt(4)];
        rates = new double[kinds.length];
        phase = PHASES[random.nextInt(PHASES.length)];
        for (int i = 0; i < kinds.length; i++) {
            kinds[i] = Kind.values()[random.nextInt(Kind.values().length)];
            rates[i] = random.nextDouble();
        }
        shared = random.nextBoolean();
        used = new int[documents * 60];
    }

    int[][] prompts() {
        for (int at = 0; requests < used.length; at = (at + 1) % kinds.length) {
            int length = (int) Math.max(2, phase * documents * (0.7 + 0.6 * random.nextDouble()));
            int first = shared ? 0 : at * 100_000;
            for (int i = 0; i < length && requests < used.length; i++) {
                used[requests] = next(kinds[at], rates[at], first, i);
                requests++;
            }
        }
        return Arrays.stream(used).mapToObj(this::document).toArray(int[][]::new);
    }

    private int next(Kind kind, double rate, int first, int i) {
        return switch (kind) {
            case SCAN -> fresh++;
            case LOOP -> first + i % (int) Math.max(1, documents * (0.3 + 1.5 * rate));
            case SKEWED -> first + (int) (documents * 4 * StrictMath.pow(random.nextDouble(), 1 + 3 * rate));
            case LATE -> again((int) (documents * (0.2 + 2 * rate) * (0.5 + random.nextDouble())), 6);
            case ANY_TIME ->
                again(1 + (int) (-documents * 0.8 * (0.2 + rate) * StrictMath.log(1 - random.nextDouble())), 8);
        };
    }

    /** What was used so many requests ago, so often in ten, or something new. */
    private int again(int gap, int often) {
        return requests > gap && random.nextInt(10) < often ? used[requests - gap - 1] : fresh++;
    }

    private int[] document(int id) {
        int[] prompt = new int[pages];
        Arrays.setAll(prompt, page -> (id * OWN + page) & Integer.MAX_VALUE);
        return prompt;
    }

    @Override
    public String toString() {
        return "pages=" + pages + ", phases of " + phase + " pools, " + Arrays.toString(kinds) + ", rates="
                + Arrays.toString(rates) + ", shared=" + shared;
    }
}
