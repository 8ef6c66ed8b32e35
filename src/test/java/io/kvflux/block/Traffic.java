package io.kvflux.block;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * Synthetic prompts of a cache with one token a page: good and bad cases of an eviction policy. Most prompts have about 20
 * pages, so a pool of 2 000 has about the last 100.
 */
final class Traffic {

    private static final int OWN = 1_000;
    private static final int HEAD = 7;

    /** After how many requests a conversation of so many turns comes back, or never. */
    private interface Gap {
        int NEVER = -1;

        int next(SplittableRandom random, int turns, int request);
    }

    private Traffic() {}

    static Map<String, int[][]> all() {
        Map<String, int[][]> all = new LinkedHashMap<>();
        all.put("scan", scan(4_000));
        all.put("loop of 1.1 pools", loop(5_000, 110, 20));
        all.put("loop of 0.9 pools", loop(5_000, 90, 20));
        all.put("loop of single pages", loop(60_000, 2_040, 1));
        all.put("zipf 0.6", zipf(10_000, 2_000, 0.6));
        all.put("zipf 1.2", zipf(10_000, 2_000, 1.2));
        all.put("returns any time", conversations(10_000, (r, turns, at) -> some(r, 50, exponential(r, 100))));
        all.put("returns any time, late", conversations(10_000, (r, turns, at) -> some(r, 50, exponential(r, 400))));
        all.put("returns late", conversations(10_000, (r, turns, at) -> some(r, 50, 150)));
        all.put(
                "returns three times",
                conversations(10_000, (r, turns, at) -> turns < 4 ? 60 + r.nextInt(60) : Gap.NEVER));
        all.put(
                "returns at once or late",
                conversations(10_000, (r, turns, at) -> r.nextBoolean() ? 1 + r.nextInt(3) : 150));
        for (int phase : new int[] {100, 300, 1_000, 3_000}) {
            all.put(
                    "soon, then late, each " + phase,
                    conversations(
                            15_000,
                            (r, turns, at) -> (at / phase) % 2 == 0
                                    ? some(r, 60, exponential(r, 40))
                                    : some(r, 60, 250 + exponential(r, 100))));
            all.put(
                    "first turns return, then others, each " + phase,
                    conversations(
                            15_000,
                            (r, turns, at) -> (at / phase) % 2 == 0 == (turns == 1) ? exponential(r, 60) : Gap.NEVER));
        }
        all.put("zipf and scan", alternating(zipf(8_000, 600, 0.8), shifted(scan(8_000))));
        all.put(
                "phases",
                joined(
                        zipf(3_000, 600, 0.8),
                        loop(3_000, 110, 20),
                        scan(1_000),
                        loop(3_000, 130, 20),
                        zipf(3_000, 600, 0.8)));
        return all;
    }

    /** Nothing comes back but the page that all have in common. */
    static int[][] scan(int requests) {
        int[][] prompts = new int[requests][];
        for (int i = 0; i < requests; i++) {
            prompts[i] = document(i, 20);
        }
        return prompts;
    }

    static int[][] loop(int requests, int documents, int pages) {
        int[][] prompts = new int[requests][];
        for (int i = 0; i < requests; i++) {
            prompts[i] = Arrays.copyOfRange(document(i % documents, pages), 1, pages + 1);
        }
        return prompts;
    }

    private static int[][] zipf(int requests, int documents, double exponent) {
        SplittableRandom random = new SplittableRandom(1);
        double[] sums = new double[documents];
        double sum = 0;
        for (int i = 0; i < documents; i++) {
            sum += 1 / StrictMath.pow(i + 1, exponent);
            sums[i] = sum;
        }
        int[][] prompts = new int[requests][];
        for (int i = 0; i < requests; i++) {
            int at = Arrays.binarySearch(sums, random.nextDouble() * sum);
            int id = at < 0 ? -at - 1 : at;
            prompts[i] = document(id, 1 + id * 31 % 40);
        }
        return prompts;
    }

    /** Each request goes on with a conversation that is due, or begins one. */
    private static int[][] conversations(int requests, Gap gap) {
        SplittableRandom random = new SplittableRandom(1);
        PriorityQueue<int[]> due = new PriorityQueue<>(Comparator.comparingInt(c -> c[0]));
        int[][] prompts = new int[requests][];
        int fresh = 0;
        for (int i = 0; i < requests; i++) {
            boolean returns = !due.isEmpty() && due.peek()[0] <= i;
            int[] conversation = returns ? due.remove() : new int[] {0, fresh++, random.nextInt(30), 0};
            conversation[2] = Math.min(OWN - 100, conversation[2] + 1 + random.nextInt(6));
            conversation[3]++;
            prompts[i] = document(conversation[1], conversation[2]);
            int after = gap.next(random, conversation[3], i);
            if (after != Gap.NEVER) {
                conversation[0] = i + after;
                due.add(conversation);
            }
        }
        return prompts;
    }

    private static int some(SplittableRandom random, int percent, int gap) {
        return random.nextInt(100) < percent ? gap : Gap.NEVER;
    }

    private static int exponential(SplittableRandom random, double mean) {
        return 1 + (int) (-mean * StrictMath.log(1 - random.nextDouble()));
    }

    /** A page that all have in common, and then pages of its own. */
    private static int[] document(int id, int pages) {
        int[] prompt = new int[pages + 1];
        prompt[0] = HEAD;
        for (int i = 1; i <= pages; i++) {
            prompt[i] = (id + 1) * OWN + i;
        }
        return prompt;
    }

    private static int[][] shifted(int[][] prompts) {
        for (int[] prompt : prompts) {
            for (int i = 1; i < prompt.length; i++) {
                prompt[i] += 1 << 30;
            }
        }
        return prompts;
    }

    private static int[][] alternating(int[][] some, int[][] others) {
        List<int[]> all = new ArrayList<>();
        for (int i = 0; i < some.length; i++) {
            all.add(some[i]);
            all.add(others[i]);
        }
        return all.toArray(int[][]::new);
    }

    static int[][] joined(int[][]... parts) {
        return Arrays.stream(parts).flatMap(Arrays::stream).toArray(int[][]::new);
    }

    /** Looks up each prompt, computes what is missing, and lets it go; {@return pages that were found} */
    static long hits(BlockPool pool, int[][] prompts) {
        long hits = 0;
        for (int[] prompt : prompts) {
            hits += hits(pool, prompt, prompt.length);
        }
        return hits;
    }

    /** The same of one prompt, of which only so many pages are looked up: a scheduler always computes the last token. */
    static int hits(BlockPool pool, int[] prompt, int most) {
        BlockTable table = new BlockTable();
        PrefixMatch match = new PrefixMatch();
        int pages = Math.min(prompt.length, pool.usableBlocks());
        pool.match(PrefixScope.NONE, prompt, Math.min(most, pages), PageKeys.none(), match);
        pool.open(table, PrefixScope.NONE, match, 0);
        pool.grow(table, pages - match.pages());
        pool.commit(table, prompt, pages, PageKeys.none());
        pool.release(table);
        return match.pages();
    }

    /** The same for several requests at once, or, if they are cancelled, for the last of several one after another. */
    static int hitsSideBySide(BlockPool pool, int[] prompt, int requests, boolean cancelled) {
        PrefixMatch match = new PrefixMatch();
        List<BlockTable> open = new ArrayList<>();
        int hits = 0;
        for (int i = 1; i <= requests; i++) {
            BlockTable table = new BlockTable();
            pool.match(PrefixScope.NONE, prompt, prompt.length, PageKeys.none(), match);
            pool.open(table, PrefixScope.NONE, match, prompt.length - match.pages());
            if (cancelled && i < requests) {
                pool.release(table);
            } else {
                open.add(table);
                hits += match.pages();
            }
        }
        open.forEach(table -> pool.commit(table, prompt, prompt.length, PageKeys.none()));
        open.forEach(pool::release);
        return hits;
    }
}
