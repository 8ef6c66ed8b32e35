package io.kvflux.selftest;

import io.kvflux.api.MediaItem;
import io.kvflux.api.Retention;
import io.kvflux.api.SequenceSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What one client of a scenario will ask for and do; follows from the scenario's seed and its own number alone.
 *
 * @param spec what it asks for
 * @param sampling how its tokens are chosen, but for the seed, which is each sequence's own
 * @param firstRequest tokens it asks for at once; Long.MAX_VALUE for all
 * @param nextRequest tokens it asks for when it got what it asked for
 * @param stallAfter tokens after which it stops asking for a long while; -1 for never
 * @param cancelAfter tokens after which it cancels; -1 for never
 * @param forkAfter tokens after which it forks; -1 for never
 * @param turns how often it comes back with what was generated
 */
record ClientPlan(
        SequenceSpec spec,
        Sampling sampling,
        long firstRequest,
        int nextRequest,
        int stallAfter,
        int cancelAfter,
        int forkAfter,
        int turns) {

    private static final int FAMILIES = 2;
    private static final int NEVER = -1;
    private static final int RETAIN_RANDOM = -5000;
    private static final int[] PRIORITIES = {0, 20, Retention.DEFAULT_PRIORITY, 36, 70, Retention.MAX_PRIORITY};
    /** A step takes as long, or a little longer. */
    private static final long SHORTEST_RETENTION_NS = 100_000;

    static ClientPlan of(Scenario scenario, int number) {
        SplittableRandom random = new SplittableRandom(Seeds.mix(scenario.seed(), number));
        int maxTokens = 1 + random.nextInt(scenario.outputTokens());
        boolean greedy = random.nextInt(4) == 0;
        boolean pauses = scenario.has(Event.PAUSE) && random.nextBoolean();
        int stallAfter = random.nextInt(maxTokens);
        boolean stalls = scenario.has(Event.STALL) && random.nextBoolean();
        return new ClientPlan(
                scenario.has(Event.RETAIN)
                        ? retaining(
                                spec(scenario, random, maxTokens), Seeds.mix(scenario.seed(), RETAIN_RANDOM - number))
                        : spec(scenario, random, maxTokens),
                new Sampling(greedy ? 0 : 1, scenario.seed(), 0, placeholder(scenario) - 1),
                stalls ? stallAfter : pauses ? random.nextInt(4) : Long.MAX_VALUE,
                1 + random.nextInt(4),
                stalls ? stallAfter : NEVER,
                scenario.has(Event.CANCEL) && random.nextInt(3) == 0 ? random.nextInt(maxTokens) : NEVER,
                scenario.has(Event.FORK) && random.nextBoolean() ? random.nextInt(maxTokens) : NEVER,
                scenario.has(Event.TURNS) ? random.nextInt(3) : 0);
    }

    private static SequenceSpec spec(Scenario scenario, SplittableRandom random, int maxTokens) {
        int[] prompt = prompt(scenario, random);
        List<MediaItem> media = scenario.has(Event.KEYS) ? media(prompt, placeholder(scenario), random) : List.of();
        SequenceSpec spec = SequenceSpec.of(prompt)
                .maxTokens(maxTokens)
                .tenant("tenant" + random.nextInt(3))
                .priority(random.nextInt(3))
                .media(media);
        if (random.nextInt(3) == 0) {
            spec = spec.stopTokens(random.nextInt(4), 4 + random.nextInt(8));
        }
        return scenario.has(Event.KEYS) ? inScope(spec, random) : spec;
    }

    /** Most want some ranges kept longer or shorter than the rest, for ever or for a few steps. Drawn apart from the rest. */
    private static SequenceSpec retaining(SequenceSpec spec, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        SequenceSpec retaining = spec;
        int from = random.nextInt(4) == 0 ? spec.promptLength() : random.nextInt(spec.promptLength());
        for (int left = random.nextInt(4); left > 0; left--) {
            int to = left == 1 && random.nextBoolean()
                    ? Integer.MAX_VALUE
                    : from + 1 + random.nextInt(spec.promptLength());
            long nanos = random.nextBoolean() ? Retention.ALWAYS : SHORTEST_RETENTION_NS << random.nextInt(8);
            retaining = retaining.retain(from, to, PRIORITIES[random.nextInt(PRIORITIES.length)], nanos);
            from = to;
        }
        return retaining;
    }

    /**
     * Prompts share beginnings: one of a few long texts, cut somewhere, then some tokens of their own or none. Some differ in
     * the first token alone: then all that follows looks the same and is not.
     */
    private static int[] prompt(Scenario scenario, SplittableRandom random) {
        int most = scenario.promptTokens();
        int length = 1 + Math.max(random.nextInt(most), random.nextInt(most));
        int own = random.nextInt(3) == 0 ? 0 : random.nextInt(Math.min(length, random.nextBoolean() ? 4 : 40) + 1);
        if (own > 0 && random.nextBoolean()) {
            own = Math.min(length, own + (length - own) % scenario.pageSize()); // the shared part ends with a page
        }
        long text = Seeds.mix(scenario.seed(), -1 - random.nextInt(FAMILIES));
        int[] prompt = new int[length];
        for (int i = 0; i < length; i++) {
            prompt[i] = i < length - own
                    ? (int) Math.floorMod(Seeds.mix(text, i), (long) placeholder(scenario))
                    : random.nextInt(placeholder(scenario));
        }
        if (random.nextInt(3) == 0) {
            prompt[0] = random.nextInt(2);
        }
        return prompt;
    }

    /** The token that stands for media and for nothing else. */
    private static int placeholder(Scenario scenario) {
        return scenario.shape().vocabulary() - 1;
    }

    private static SequenceSpec inScope(SequenceSpec spec, SplittableRandom random) {
        String name = "k" + random.nextInt(2);
        return switch (random.nextInt(6)) {
            case 0 -> spec.salt(name);
            case 1 -> spec.adapter(name);
            default -> spec;
        };
    }

    /** Puts media into half of the prompts: few contents, of one length each, at few places, two in a row where they fit. */
    private static List<MediaItem> media(int[] prompt, int placeholder, SplittableRandom random) {
        List<MediaItem> items = new ArrayList<>();
        int at = random.nextBoolean() ? prompt.length : 5 * random.nextInt(3);
        while (at < prompt.length && items.size() < 2) {
            int content = random.nextInt(4);
            int length = 2 + content / 2 * 3;
            if (length > prompt.length - at) {
                break;
            }
            byte[] hash = new byte[MediaItem.HASH_BYTES];
            Arrays.fill(hash, (byte) content);
            items.add(new MediaItem(at, length, hash));
            Arrays.fill(prompt, at, at + length, placeholder);
            at += length;
        }
        return items;
    }

    /** The same client's next turn: what it had, and some more. */
    ClientPlan nextTurn(Scenario scenario, int[] tokens, SplittableRandom random) {
        int[] prompt = Arrays.copyOf(tokens, tokens.length + 1 + random.nextInt(6));
        for (int i = tokens.length; i < prompt.length; i++) {
            prompt[i] = random.nextInt(placeholder(scenario));
        }
        SequenceSpec next = SequenceSpec.of(prompt)
                .maxTokens(1 + random.nextInt(8))
                .tenant(spec.tenant())
                .priority(spec.priority())
                .salt(spec.salt())
                .adapter(spec.adapter())
                .media(spec.media());
        for (Retention range : spec.retentions()) {
            next = next.retain(range.from(), range.to(), range.priority(), range.nanos());
        }
        return new ClientPlan(next, sampling, Long.MAX_VALUE, 1, NEVER, NEVER, NEVER, turns - 1);
    }

    boolean stops(int token) {
        return Arrays.stream(spec.stopTokens()).anyMatch(stop -> stop == token);
    }
}
