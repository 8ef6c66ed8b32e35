package io.kvflux.block;

import java.util.Arrays;

/**
 * Evicts what is worth least by the {@link ReturnChances} learned so far, as long as that hits more often than least
 * recently used, and least recently used otherwise.
 *
 * <p>Beside the runs that exist it remembers ghosts of evicted ones, no more than the pool has blocks. For each it knows how
 * many pages two other caches of this pool's size would have of it now: one that evicts by LRU, page by page, and one that
 * always evicts what is worth least. What they would have hit decides which of the two orders holds for the pool.
 */
final class AdaptiveEviction implements EvictionPolicy {

    /** By which part of LRU's hits worth must hit more to be followed. */
    private static final double LEAD = 0.01;

    /** And by how many standard deviations of what chance makes of the hits counted. */
    private static final double DEVIATIONS = 1.5;

    /** A lead or lag counts as so many at most, so that what was gained long ago does not hide what is lost now. */
    private static final double MOST_DEVIATIONS = 4;

    /** Hits fade while pages are let go: to half in 8 times the pool. */
    private static final double FADING = 12;

    /** Queues are looked at for what has grown older, and what is worth least is computed again, after such parts of the pool. */
    private static final int AGINGS = 128;

    private static final int RESCORES = 8;
    private static final int FEWEST_BETWEEN_RESCORES = 512;

    private final LruEviction lru = new LruEviction();
    private final Entries entries = new Entries();
    /** By run. */
    private int[] entryOf = new int[16];

    private View view;
    private int blocks;
    private ReturnChances chances;
    /** Cached leaves by cell; one more queue for ghosts, oldest first. */
    private RankedQueues leaves;

    private int ghostQueue;
    /** All that is cached or a ghost by cell: what the cache under worth has, and in more queues what it has not. */
    private RankedQueues aging;
    /** What the cache under LRU has, oldest first. */
    private final RunQueues recent = new RunQueues(1);

    private long[] nextAging;
    private long now;
    private long pagesUnderLru;
    private long pagesUnderWorth;
    private double hitsUnderLru;
    /** Hits of the cache under worth less those under LRU, and the sum of the squares of what it is made of. */
    private double lead;

    private double spread;
    private long decided;
    private long aged;
    private boolean byWorth;
    /** The run that loses pages, until something makes another worth less. */
    private int victim;

    AdaptiveEviction() {}

    /** Begins with what another has learned until now. */
    AdaptiveEviction(AdaptiveEviction other) {
        if (other.chances == null) {
            throw new IllegalArgumentException("a policy that was never attached to a pool has learned nothing");
        }
        chances = new ReturnChances(other.chances);
    }

    @Override
    public void attach(View poolView) {
        view = poolView;
        blocks = view.available();
        if (chances == null) {
            chances = new ReturnChances(blocks);
        } else if (chances.blocks != blocks) {
            throw new IllegalArgumentException(
                    "ages are counted in parts of the pool, so chances are those of pools with as"
                            + " many blocks, learned in=" + chances.blocks + ", blocks=" + blocks);
        }
        leaves = new RankedQueues(chances, 1);
        ghostQueue = chances.cells;
        aging = new RankedQueues(chances, chances.cells);
        nextAging = new long[chances.buckets];
    }

    /** {@return whether the pool is evicted by worth, not by LRU} */
    boolean byWorth() {
        return byWorth;
    }

    @Override
    public void created(int run) {
        long fingerprint = view.fingerprint(run);
        int entry = entries.ghost(fingerprint);
        if (entry == Runs.NONE) {
            entry = entries.add(run, fingerprint);
        } else {
            leaves.remove(ghostQueue, entry);
            entries.wake(entry);
            entries.run[entry] = run;
            returned(entry);
        }
        map(run, entry);
    }

    @Override
    public void cached(int run) {
        lru.cached(run);
        int entry = entryOf[run];
        if (entries.state[entry] == Entries.DIVIDED) {
            return;
        }
        int pages = view.pages(run);
        now += pages;
        count(Math.min(pages, entries.underLru[entry]), Math.min(pages, entries.underWorth[entry]));
        entries.state[entry] = Entries.CACHED;
        entries.uses[entry]++;
        entries.cell[entry] = (short) chances.cell(ReturnChances.classOf(entries.uses[entry]), 0);
        entries.since[entry] = now;
        entries.underLru[entry] = pages;
        entries.underWorth[entry] = pages;
        chances.entered(entries.cell[entry]);
        recent.append(0, entry);
        pagesUnderLru += pages;
        aging.append(entries.cell[entry], entry);
        pagesUnderWorth += pages;
        if (view.isLeaf(run)) {
            addLeaf(entry);
        }
        age();
        fit(view.available());
    }

    private void count(int underLru, int underWorth) {
        double more = underWorth - underLru;
        hitsUnderLru += underLru;
        lead += more;
        spread += more * more;
    }

    @Override
    public void held(int run) {
        lru.held(run);
        int entry = entryOf[run];
        if (entries.state[entry] == Entries.CACHED) {
            removeLeaf(entry);
            returned(entry);
            if (victim == run) {
                victim = Runs.NONE;
            }
        }
        entries.state[entry] = Entries.HELD;
    }

    @Override
    public void split(int head, int tail) {
        int old = entryOf[tail];
        int entry = entries.add(head, entries.fingerprint[old]);
        map(head, entry);
        entries.fingerprint[old] = view.fingerprint(tail);
        entries.uses[entry] = entries.uses[old];
        entries.cell[entry] = entries.cell[old];
        entries.since[entry] = entries.since[old];
        int pages = view.pages(head);
        entries.underLru[entry] = Math.min(pages, entries.underLru[old]);
        entries.underWorth[entry] = Math.min(pages, entries.underWorth[old]);
        boolean cached = entries.state[old] == Entries.CACHED;
        if (cached) {
            entries.state[entry] = Entries.DIVIDED;
            chances.entered(entries.cell[entry]);
            chances.returned(entries.cell[entry]);
        }
        takeUnderLru(old, entries.underLru[entry], cached);
        takeUnderWorth(old, entries.underWorth[entry], cached);
    }

    @Override
    public void removed(int run) {
        lru.removed(run);
        int entry = entryOf[run];
        entryOf[run] = Runs.NONE;
        removeLeaf(entry);
        int parent = view.parent(run);
        if (parent != Runs.NONE && entries.state[entryOf[parent]] == Entries.CACHED && view.children(parent) == 1) {
            addLeaf(entryOf[parent]);
        }
        int twin = entries.ghost(entries.fingerprint[entry]);
        if (twin != Runs.NONE) {
            forget(twin);
        }
        entries.bury(entry);
        leaves.append(ghostQueue, entry);
        if (entries.ghosts() > blocks) {
            forget(leaves.first(ghostQueue));
        }
        if (victim == run) {
            victim = Runs.NONE;
        }
    }

    @Override
    public int victim() {
        if (now >= decided + Math.max(FEWEST_BETWEEN_RESCORES, blocks / RESCORES)) {
            decide();
        }
        if (!byWorth) {
            return lru.victim();
        }
        if (victim == Runs.NONE) {
            victim = entries.run[leaves.least()];
        }
        return victim;
    }

    private void decide() {
        double kept = Math.max(0, 1 - (now - decided) / (FADING * blocks));
        decided = now;
        hitsUnderLru *= kept;
        lead *= kept;
        spread *= kept * kept;
        double deviation = Math.sqrt(spread);
        lead = Math.max(-MOST_DEVIATIONS * deviation, Math.min(lead, MOST_DEVIATIONS * deviation));
        if (lead > hitsUnderLru * LEAD && lead > DEVIATIONS * deviation) {
            byWorth = true;
        } else if (lead < 0) {
            byWorth = false;
        }
        chances.rescore();
        leaves.reordered();
        aging.reordered();
        victim = Runs.NONE;
    }

    /** What was cached, or a ghost, is used: it leaves the queues; how many pages the two caches have of it stays. */
    private void returned(int entry) {
        chances.returned(entries.cell[entry]);
        leaveQueues(entry);
    }

    private void leaveQueues(int entry) {
        if (entries.underLru[entry] > 0) {
            recent.remove(0, entry);
            pagesUnderLru -= entries.underLru[entry];
        }
        aging.remove(agingQueue(entry), entry);
        pagesUnderWorth -= entries.underWorth[entry];
    }

    private void forget(int ghost) {
        leaves.remove(ghostQueue, ghost);
        entries.wake(ghost);
        leaveQueues(ghost);
        entries.remove(ghost);
    }

    /** A ghost so old that no more is learned of it, and that neither of the two caches has. */
    private boolean isOutOfMind(int entry) {
        return entries.state[entry] == Entries.GHOST
                && chances.bucket(entries.cell[entry]) == chances.buckets - 1
                && entries.underLru[entry] == 0
                && entries.underWorth[entry] == 0;
    }

    private int agingQueue(int entry) {
        return entries.cell[entry] + (entries.underWorth[entry] > 0 ? 0 : chances.cells);
    }

    private void addLeaf(int entry) {
        entries.leaf[entry] = true;
        leaves.append(entries.cell[entry], entry);
    }

    private void removeLeaf(int entry) {
        if (entries.leaf[entry]) {
            entries.leaf[entry] = false;
            leaves.remove(entries.cell[entry], entry);
        }
    }

    /** Moves on what has outgrown its bucket. A queue is looked at a few times while a bucket passes. */
    private void age() {
        if (now < aged + blocks / AGINGS) {
            return;
        }
        aged = now;
        for (int bucket = 0; bucket < chances.buckets - 1; bucket++) {
            if (now >= nextAging[bucket]) {
                long begin = bucket == 0 ? 0 : chances.end(bucket - 1);
                nextAging[bucket] = now + Math.max(1, (chances.end(bucket) - begin) / 8);
                for (int usesClass = 0; usesClass < ReturnChances.CLASSES; usesClass++) {
                    int cell = chances.cell(usesClass, bucket);
                    age(cell, cell);
                    age(cell, cell + chances.cells);
                }
            }
        }
    }

    private void age(int cell, int queue) {
        long end = chances.end(chances.bucket(cell));
        for (int entry = aging.first(queue); entry != Runs.NONE && now - entries.since[entry] >= end; ) {
            boolean leaf = entries.leaf[entry];
            removeLeaf(entry);
            aging.remove(queue, entry);
            entries.cell[entry]++;
            aging.append(queue + 1, entry);
            if (leaf) {
                addLeaf(entry);
            }
            chances.entered(cell + 1);
            if (isOutOfMind(entry)) {
                forget(entry);
            }
            entry = aging.first(queue);
        }
    }

    /** The two caches evict until they fit. */
    private void fit(int pages) {
        while (pagesUnderLru > pages) {
            takeUnderLru(recent.first(0), pagesUnderLru - pages, true);
        }
        while (pagesUnderWorth > pages) {
            takeUnderWorth(aging.least(), pagesUnderWorth - pages, true);
        }
    }

    private void takeUnderLru(int entry, long most, boolean queued) {
        int taken = (int) Math.min(most, entries.underLru[entry]);
        if (queued && taken > 0) {
            pagesUnderLru -= taken;
            if (taken == entries.underLru[entry]) {
                recent.remove(0, entry);
            }
        }
        entries.underLru[entry] -= taken;
    }

    private void takeUnderWorth(int entry, long most, boolean queued) {
        int taken = (int) Math.min(most, entries.underWorth[entry]);
        if (!queued || taken == 0) {
            entries.underWorth[entry] -= taken;
            return;
        }
        int queue = agingQueue(entry);
        entries.underWorth[entry] -= taken;
        pagesUnderWorth -= taken;
        if (agingQueue(entry) != queue) {
            aging.remove(queue, entry);
            aging.append(agingQueue(entry), entry);
        }
    }

    private void map(int run, int entry) {
        if (run >= entryOf.length) {
            entryOf = Arrays.copyOf(entryOf, Math.max(run + 1, entryOf.length * 2));
        }
        entryOf[run] = entry;
    }
}
