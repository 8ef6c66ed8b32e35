package io.kvflux.app;

import io.kvflux.sim.Tick;
import java.util.ArrayList;
import java.util.List;

/**
 * The ticks of a run of any length in at most {@link #MAX_POINTS} points: when there are more, neighbours are joined and
 * from then on each point covers twice as many ticks. A point shows the most sequences and the most held blocks of its
 * ticks, the sum of their tokens, and the last of what counts up.
 */
final class TickSeries {

    static final int MAX_POINTS = 2000;

    private final List<Tick> points = new ArrayList<>();
    private int ticksPerPoint = 1;
    private int ticksInLast;

    void add(Tick tick) {
        if (ticksInLast > 0 && ticksInLast < ticksPerPoint) {
            points.set(points.size() - 1, join(points.get(points.size() - 1), tick));
            ticksInLast++;
            return;
        }
        if (points.size() == MAX_POINTS) {
            halve();
        }
        points.add(tick);
        ticksInLast = 1;
    }

    List<Tick> points() {
        return points;
    }

    private void halve() {
        for (int i = 0; i < MAX_POINTS / 2; i++) {
            points.set(i, join(points.get(2 * i), points.get(2 * i + 1)));
        }
        points.subList(MAX_POINTS / 2, MAX_POINTS).clear();
        ticksPerPoint *= 2;
    }

    private static Tick join(Tick a, Tick b) {
        // Cached and free blocks of the same moment, so that all together stay within the total.
        Tick fullest = a.heldBlocks() > b.heldBlocks() ? a : b;
        return new Tick(
                b.seconds(),
                Math.max(a.running(), b.running()),
                Math.max(a.waiting(), b.waiting()),
                fullest.heldBlocks(),
                fullest.cachedBlocks(),
                b.totalBlocks(),
                a.promptTokens() + b.promptTokens(),
                a.outputTokens() + b.outputTokens(),
                b.promptBlocks(),
                b.hitBlocks(),
                b.preemptions(),
                fullest.availableBlocks(),
                a.grantedDrafts() + b.grantedDrafts(),
                a.acceptedDrafts() + b.acceptedDrafts(),
                a.rejectedDrafts() + b.rejectedDrafts());
    }
}
