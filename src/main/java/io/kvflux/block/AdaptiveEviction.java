package io.kvflux.block;

import java.util.Arrays;

/**
 * Evicts what is worth least by the {@link ReturnChances} learned so far, within a budget of what that may lose against least
 * recently used.
 *
 * <p>Beside the runs that exist it remembers ghosts of evicted ones, no more than the pool has blocks. For each it knows how
 * many pages a cache of this pool's size would have of it now that evicts by LRU, page by page. What the pool hits fills the
 * budget, what that cache would have hit empties it, and a page that it would still have is evicted only while the budget
 * covers all that it has and the pool has not. Otherwise a page goes that LRU would not have any more; where there is none, the
 * two have the same, and LRU's next victim goes.
 *
 * <p>So of requests one after another the pool has at every instant hit at least {@link #KEEPS} of what LRU would have, less
 * what the budget began with. What LRU would have hit is never counted short: where runs are not told apart it is counted too
 * often. Of requests side by side each is counted, though the budget covered one.
 */
final class AdaptiveEviction implements EvictionPolicy {

    /** The part of LRU's hits that are kept whatever comes. */
    private static final double KEEPS = 0.995;

    /** What the budget begins with unless told, as a part of the pool. It does not grow beyond the whole. */
    private static final double BEGIN = 0.01;

    /** Returns that one that begins knowing nothing must have seen before it follows what it has learned. */
    private static final int FEWEST_RETURNS = 100;

    /** Leaves whose last page the cache under LRU has, and those of which it does not. */
    private static final int UNDER_LRU = 0;

    private static final int SPARE = 1;

    /** Queues are looked at for what has grown older, and what is worth least is computed again, after such parts of the pool. */
    private static final int AGINGS = 128;

    private static final int RESCORES = 8;
    private static final int FEWEST_BETWEEN_RESCORES = 512;

    private final double begin;
    private final int fewestReturns;
    private final Entries entries = new Entries();
    /** By run. */
    private int[] entryOf = new int[16];

    private View view;
    private int blocks;
    private ReturnChances chances;
    /** Cached leaves by cell, {@link #UNDER_LRU} and {@link #SPARE}; one more queue for ghosts, oldest first. */
    private RankedQueues leaves;

    private int ghostQueue;
    /** All that is cached or a ghost, by cell. */
    private RunQueues aging;
    /** What the cache under LRU has, oldest first. */
    private final RunQueues recent = new RunQueues(1);

    private long[] nextAging;
    /** Pages let go so far. */
    private long now;

    private int cachedPages;
    private long pagesUnderLru;
    /** Pages that the cache under LRU has and the pool has not. */
    private long behind;

    private double budget;
    /** Ghosts that are {@link Entries#WANTED}. */
    private int wanted;
    /** Pages to which the cache under LRU is still to be cut, since the pool has evicted; negative if it need not be. */
    private int unfit = -1;
    /** An entry that has lost pages since then; if LRU's cache loses as many of it, it stays where it is among the leaves. */
    private int shortened;

    private long nextRescore;
    private long aged;
    /** The leaf that is worth least; none if it is to be looked for. */
    private int least;

    AdaptiveEviction() {
        begin = BEGIN;
        fewestReturns = FEWEST_RETURNS;
    }

    /** Begins with what another has learned until now, and with a budget of such a part of the pool. */
    AdaptiveEviction(AdaptiveEviction other, double begin) {
        this.begin = begin;
        fewestReturns = 0;
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
        leaves = new RankedQueues(chances, 2, 1);
        ghostQueue = 2 * chances.cells;
        aging = new RunQueues(chances.cells);
        budget = begin * blocks;
        nextAging = new long[chances.buckets];
    }

    /** {@return pages that the cache under LRU has and the pool has not} */
    long behind() {
        return behind;
    }

    /** {@return how many that may be now} */
    double budget() {
        return budget;
    }

    @Override
    public void created(int run) {
        fit();
        long fingerprint = view.fingerprint(run);
        int entry = entries.ghost(fingerprint);
        if (entry == Runs.NONE) {
            entry = entries.add(run, fingerprint);
        } else {
            chances.returned(entries.cell[entry]);
            wake(entry);
            entries.run[entry] = run;
        }
        map(run, entry);
    }

    /**
     * What LRU has of a prompt is held from when it is opened, though it is computed later here, so others that ask for it
     * meanwhile find it there too. A ghost may begin at any page, also where another of which LRU has more ends in the pool, or
     * where what comes before it is known no longer.
     */
    @Override
    public void missed(int from, int to) {
        fit();
        for (int page = from; page < to && behind + wanted > 0; page++) {
            int ghost = entries.ghost(view.fingerprintOfPage(page));
            if (ghost != Runs.NONE && entries.underLru[ghost] > 0) {
                charge(entries.underLru[ghost]);
                want(ghost);
            }
        }
    }

    private void want(int ghost) {
        if (entries.state[ghost] == Entries.GHOST) {
            leaveLru(ghost);
            entries.state[ghost] = Entries.WANTED;
            wanted++;
        }
    }

    /** A ghost that was wanted and did not become the beginning of a run is part of one. */
    @Override
    public void computed(int from, int to) {
        for (int page = from; page < to && wanted > 0; page++) {
            int ghost = entries.ghost(view.fingerprintOfPage(page));
            if (ghost != Runs.NONE && entries.state[ghost] == Entries.WANTED) {
                forget(ghost);
            }
        }
    }

    @Override
    public void cached(int run) {
        fit();
        int entry = entryOf[run];
        int pages = view.pages(run);
        cachedPages += pages;
        if (entries.state[entry] == Entries.DIVIDED) {
            return;
        }
        now += pages;
        entries.state[entry] = Entries.CACHED;
        entries.uses[entry]++;
        entries.cell[entry] = (short) chances.cell(ReturnChances.classOf(entries.uses[entry]), 0);
        entries.since[entry] = now;
        entries.underLru[entry] = pages;
        chances.entered(entries.cell[entry]);
        recent.append(0, entry);
        pagesUnderLru += pages;
        aging.append(entries.cell[entry], entry);
        if (view.isLeaf(run)) {
            addLeaf(entry);
        }
        age();
        fit(view.available());
    }

    @Override
    public void held(int run) {
        fit();
        int entry = entryOf[run];
        charge(entries.underLru[entry]);
        hold(entry);
        budget = Math.min(budget + view.pages(run), blocks);
    }

    /** Not even LRU has hit it. */
    @Override
    public void merged(int run) {
        fit();
        int entry = entryOf[run];
        charge(Math.max(0, entries.underLru[entry] - view.pages(run)));
        hold(entry);
    }

    private void hold(int entry) {
        cachedPages -= view.pages(entries.run[entry]);
        if (entries.state[entry] == Entries.CACHED) {
            removeLeaf(entry);
            chances.returned(entries.cell[entry]);
            leaveLru(entry);
            aging.remove(entries.cell[entry], entry);
        }
        entries.state[entry] = Entries.HELD;
    }

    @Override
    public void split(int head, int tail) {
        fit();
        int old = entryOf[tail];
        int entry = entries.add(head, entries.fingerprint[old]);
        map(head, entry);
        entries.fingerprint[old] = view.fingerprint(tail);
        entries.uses[entry] = entries.uses[old];
        entries.cell[entry] = entries.cell[old];
        entries.since[entry] = entries.since[old];
        int pages = view.pages(head);
        entries.underLru[entry] = Math.min(pages, entries.underLru[old]);
        boolean cached = entries.state[old] == Entries.CACHED;
        if (cached) {
            entries.state[entry] = Entries.DIVIDED;
            chances.entered(entries.cell[entry]);
            chances.returned(entries.cell[entry]);
            cachedPages -= pages;
        }
        // What is missing of the tail was missing of the whole, so the pool is as far behind as before.
        int taken = entries.underLru[entry];
        entries.underLru[old] -= taken;
        if (cached) {
            pagesUnderLru -= taken;
            if (taken > 0 && entries.underLru[old] == 0) {
                recent.remove(0, old);
            }
        }
    }

    @Override
    public void shortened(int run) {
        int entry = entryOf[run];
        cachedPages--;
        behind += view.pages(run) < entries.underLru[entry] ? 1 : 0;
        if (shortened != entry) {
            placeShortened();
            shortened = entry;
        }
        unfit = cachedPages;
    }

    @Override
    public void removed(int run) {
        int entry = entryOf[run];
        removeLeaf(entry);
        if (shortened == entry) {
            shortened = Runs.NONE;
        }
        leaveTree(run);
        int twin = entries.ghost(entries.fingerprint[entry]);
        if (twin != Runs.NONE) {
            forget(twin);
        }
        cachedPages--;
        behind += entries.underLru[entry] > 0 ? 1 : 0;
        entries.bury(entry);
        leaves.append(ghostQueue, entry);
        if (entries.ghosts() > blocks) {
            forget(leaves.first(ghostQueue));
        }
        unfit = cachedPages;
        if (cachedPages == 0) {
            fit();
        }
    }

    /** LRU would have lost it in the same way, so nothing is missing, and nothing is paid for when it returns. */
    @Override
    public void dropped(int run) {
        int entry = entryOf[run];
        leaveTree(run);
        entries.remove(entry);
    }

    private void leaveTree(int run) {
        entryOf[run] = Runs.NONE;
        int parent = view.parent(run);
        if (parent != Runs.NONE && entries.state[entryOf[parent]] == Entries.CACHED && view.children(parent) == 1) {
            addLeaf(entryOf[parent]);
        }
    }

    @Override
    public int victim() {
        if (now >= nextRescore) {
            nextRescore = now + Math.max(FEWEST_BETWEEN_RESCORES, blocks / RESCORES);
            chances.rescore();
            leaves.reordered();
            least = Runs.NONE;
        }
        boolean free = chances.returns() >= fewestReturns;
        if (free && least != Runs.NONE && behind + 1 <= budget) {
            return entries.run[least];
        }
        fit(cachedPages);
        int spare = leaves.least(SPARE);
        if (!free || behind + 1 > budget) {
            return entries.run[spare == Runs.NONE ? recent.first(0) : spare];
        }
        int other = leaves.least(UNDER_LRU);
        least = spare == Runs.NONE || (other != Runs.NONE && isWorthLess(other, spare)) ? other : spare;
        return entries.run[least];
    }

    private boolean isWorthLess(int entry, int other) {
        return chances.rank(entries.cell[entry]) < chances.rank(entries.cell[other]);
    }

    /** What LRU has of it is no longer what it may evict; how much that was stays known. */
    private void leaveLru(int entry) {
        behind -= missing(entry);
        if (entries.underLru[entry] > 0) {
            recent.remove(0, entry);
            pagesUnderLru -= entries.underLru[entry];
        }
    }

    /** A ghost is one no longer. */
    private void wake(int ghost) {
        leaves.remove(ghostQueue, ghost);
        if (entries.state[ghost] == Entries.GHOST) {
            charge(entries.underLru[ghost]);
            leaveLru(ghost);
        } else {
            wanted--;
        }
        aging.remove(entries.cell[ghost], ghost);
        entries.wake(ghost);
    }

    /**
     * LRU hits what it has of a run. If less was asked for, or it is no longer known what it was, then the rest may still be
     * asked for: it is paid for now.
     */
    private void charge(int pages) {
        budget -= KEEPS * pages;
    }

    /** Pages of what is cached or a ghost that the cache under LRU has and the pool has not. */
    private int missing(int entry) {
        return Math.max(0, entries.underLru[entry] - pages(entry));
    }

    private int pages(int entry) {
        return entries.state[entry] == Entries.CACHED ? view.pages(entries.run[entry]) : 0;
    }

    private void forget(int ghost) {
        wake(ghost);
        entries.remove(ghost);
    }

    /** A ghost so old that no more is learned of it, and of which LRU has nothing. */
    private boolean isOutOfMind(int entry) {
        return entries.state[entry] == Entries.GHOST
                && chances.bucket(entries.cell[entry]) == chances.buckets - 1
                && entries.underLru[entry] == 0;
    }

    private void addLeaf(int entry) {
        entries.leaf[entry] = true;
        entries.spare[entry] = pages(entry) > entries.underLru[entry];
        leaves.append(leafQueue(entry), entry);
        least = Runs.NONE;
    }

    private void removeLeaf(int entry) {
        if (entries.leaf[entry]) {
            entries.leaf[entry] = false;
            leaves.remove(leafQueue(entry), entry);
            least = Runs.NONE;
        }
    }

    /** A leaf may have become spare, or no longer be. */
    private void place(int entry) {
        if (entries.leaf[entry] && entries.spare[entry] != pages(entry) > entries.underLru[entry]) {
            removeLeaf(entry);
            addLeaf(entry);
        }
    }

    private int leafQueue(int entry) {
        return entries.cell[entry] + (entries.spare[entry] ? SPARE : UNDER_LRU) * chances.cells;
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
                    age(chances.cell(usesClass, bucket));
                }
            }
        }
    }

    private void age(int cell) {
        long end = chances.end(chances.bucket(cell));
        for (int entry = aging.first(cell); entry != Runs.NONE && now - entries.since[entry] >= end; ) {
            boolean leaf = entries.leaf[entry];
            removeLeaf(entry);
            aging.remove(cell, entry);
            entries.cell[entry]++;
            aging.append(cell + 1, entry);
            if (leaf) {
                addLeaf(entry);
            }
            chances.entered(cell + 1);
            if (isOutOfMind(entry)) {
                forget(entry);
            }
            entry = aging.first(cell);
        }
    }

    /** The cache under LRU evicts what the pool's last evictions have made it evict. It does so late, to take more at once. */
    private void fit() {
        if (unfit >= 0) {
            fit(unfit);
        }
    }

    /** The cache under LRU evicts until it has no more than so many pages. */
    private void fit(int pages) {
        while (pagesUnderLru > pages) {
            int entry = recent.first(0);
            int has = entries.underLru[entry];
            int taken = (int) Math.min(pagesUnderLru - pages, has);
            behind -= Math.min(taken, missing(entry));
            pagesUnderLru -= taken;
            entries.underLru[entry] = has - taken;
            if (taken == has) {
                recent.remove(0, entry);
            }
            place(entry);
        }
        unfit = -1;
        placeShortened();
    }

    private void placeShortened() {
        if (shortened != Runs.NONE) {
            place(shortened);
            shortened = Runs.NONE;
        }
    }

    private void map(int run, int entry) {
        if (run >= entryOf.length) {
            entryOf = Arrays.copyOf(entryOf, Math.max(run + 1, entryOf.length * 2));
        }
        entryOf[run] = entry;
    }
}
