package io.kvflux.selftest;

import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.api.StepInputs;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Looks at each step when it is handed out: counts what it tries, and holds its inputs against what it says of its entries. */
final class StepWatch {

    private static final int NULL_BLOCK = 0;

    /** Where a sequence stood after a step. */
    private record Place(int end, int replica) {}

    private final Scenario scenario;
    private final Coverage coverage;
    private final Predicate<SequenceId> isFork;
    private final Predicate<SequenceId> isInFlight;
    private final Consumer<Finding> found;
    private final Map<SequenceId, Place> places = new HashMap<>();
    private long last;

    /**
     * Has seen no step.
     *
     * @param isFork whether a sequence is a fork
     * @param isInFlight whether a step in flight has an entry of a sequence
     * @param found takes what is wrong
     */
    StepWatch(
            Scenario scenario,
            Coverage coverage,
            Predicate<SequenceId> isFork,
            Predicate<SequenceId> isInFlight,
            Consumer<Finding> found) {
        this.scenario = scenario;
        this.coverage = coverage;
        this.isFork = isFork;
        this.isInFlight = isInFlight;
        this.found = found;
    }

    /** The newest step; 0 before the first. */
    long last() {
        return last;
    }

    /** Where a sequence was last; -1 if no step had it. */
    int replica(SequenceId sequence) {
        Place place = places.get(sequence);
        return place == null ? -1 : place.replica();
    }

    void handedOut(Step step) {
        last = step.number();
        coverage.see(step.copies() > 0, Condition.COPY_ON_WRITE);
        coverage.see(step.copies() > 0 && scenario.tensorParallel() > 1, Condition.COPY_SHARDED);
        for (int replica = 0; replica < step.replicas(); replica++) {
            for (int entry = step.firstEntry(replica); entry < step.firstEntry(replica + 1); entry++) {
                seeChunk(step, entry);
                seePlace(step, entry, replica);
            }
            checkInputs(step, replica);
        }
    }

    private void seeChunk(Step step, int entry) {
        int count = step.tokenCount(entry);
        boolean part = step.cacheLength(entry) > 0 || !step.samples(entry);
        if (step.isPrefill(entry) && part) {
            coverage.chunk(count);
        }
        coverage.see(step.isPrefill(entry) && !step.samples(entry), Condition.CHUNKED_PREFILL);
        coverage.see(step.token(entry, count - 1) == Step.PENDING_TOKEN, Condition.PENDING_TOKEN);
    }

    /** Tells a sequence that computes tokens again, which it does after a preemption alone, from one that goes on. */
    private void seePlace(Step step, int entry, int replica) {
        SequenceId sequence = step.sequence(entry);
        int start = step.cacheLength(entry);
        // Of drafts it is not known yet whether they are accepted.
        int end = start - step.unverified(entry) + step.tokenCount(entry) - step.drafts(entry);
        Place before = places.put(sequence, new Place(end, replica));
        if (before == null) {
            boolean hit = start > 0 && step.isPrefill(entry) && !isFork.test(sequence);
            coverage.see(hit && !step.samples(entry), Condition.CHUNK_AFTER_HIT);
        } else if (step.isPrefill(entry) && start < before.end()) {
            coverage.saw(Condition.RECOMPUTE);
            coverage.see(start > 0, Condition.RECOMPUTE_HIT);
            coverage.see(isInFlight.test(sequence), Condition.RECOMPUTE_IN_FLIGHT);
            coverage.see(isFork.test(sequence), Condition.RECOMPUTE_FORK);
            coverage.see(replica != before.replica(), Condition.RECOMPUTE_ELSEWHERE);
        }
    }

    /** The drafts of an entry were verified: what counts of it ends before a position. */
    void verified(SequenceId sequence, int position) {
        places.computeIfPresent(sequence, (same, place) -> new Place(Math.max(place.end(), position), place.replica()));
    }

    private void checkInputs(Step step, int replica) {
        StepInputs inputs = step.inputs();
        int first = step.firstEntry(replica);
        int entries = step.firstEntry(replica + 1) - first;
        int longestChunk = 0;
        int longestCache = 0;
        for (int row = 0; row < entries; row++) {
            int entry = first + row;
            longestChunk = Math.max(longestChunk, step.tokenCount(entry));
            longestCache = Math.max(longestCache, step.cacheLength(entry));
            check(step, inputs.cacheLengths(replica)[row], step.cacheLength(entry), "cache length of entry " + entry);
            checkRow(step, entry, inputs.lookupTable(replica), row * inputs.maxNumPages(replica), replica);
        }
        check(step, inputs.batchSize(replica), entries, "batch size of replica " + replica);
        check(step, inputs.maxLengths(replica)[0], longestChunk, "longest chunk of replica " + replica);
        check(step, inputs.maxLengths(replica)[1], longestCache, "longest cache of replica " + replica);
    }

    private void checkRow(Step step, int entry, int[] table, int from, int replica) {
        int blocks = step.blockCount(entry);
        long slots = (long) blocks * scenario.pageSize();
        int needed = step.cacheLength(entry) + step.tokenCount(entry) + step.granted(entry);
        int beside =
                scenario.has(Event.BESIDE) ? scenario.drafts() : 0; // nobody else knows what its drafter was asked for
        if (slots < needed || slots - needed >= scenario.pageSize() + beside) {
            check(step, blocks, -1, "blocks, not just enough for " + needed + " tokens, of entry " + entry);
        }
        for (int page = 0; page < step.inputs().maxNumPages(replica); page++) {
            int block = page < blocks ? step.block(entry, page) : NULL_BLOCK;
            check(step, table[from + page], block, "cell " + page + " of the table of entry " + entry);
        }
    }

    private void check(Step step, int value, int expected, String what) {
        if (value != expected) {
            found.accept(new Finding(
                    Finding.Kind.WRONG_STEP,
                    "step " + step.number() + ", " + what + ": expected " + expected + ", found " + value));
        }
    }
}
