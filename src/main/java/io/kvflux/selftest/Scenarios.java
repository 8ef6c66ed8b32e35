package io.kvflux.selftest;

import io.kvflux.BlockSchedulerBuilder;
import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.VictimRule;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.tier.HostPolicy;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Makes scenarios: an endless row of them from a seed, each by its number alone. Every other one has a small page, where
 * most happens; the page sizes of the others take turns, and so do the token limits of a step, so that any 256 in a row have
 * every page size. Every fourth is tight: replicas beside each other run short of blocks while prompts are computed in small
 * pieces with steps in flight. Everything else is drawn.
 */
final class Scenarios {

    private static final int VOCABULARY = 61;
    private static final int SMALL_PAGE = 12;
    /** Events of scenarios with a disk alone. */
    private static final Set<Event> OF_DISK = EnumSet.of(Event.RESTART, Event.DISK_FAULT);

    /** Of scenarios that speculate. */
    private static final Set<Event> OF_DRAFTS = EnumSet.of(Event.BESIDE);

    /** Drawn with the rules that were there last. */
    private static final Set<Event> OF_RULES = EnumSet.of(Event.RETAIN);

    private static final int DISK_RANDOM = -2000;
    private static final int DRAFTS_RANDOM = -3000;
    private static final int RULES_RANDOM = -4000;
    private static final int MANY = 60;
    private static final double[] GROWTH_MARGINS = {0, 0.75, 3};
    private static final int NEVER = Integer.MAX_VALUE;
    private static final int MOST_DRAFTS = 8;
    private static final double[] DISTANCES = {0, 0.02, 0.1, 0.3};
    /** Events that end many sequences at once. */
    private static final Set<Event> RUIN = EnumSet.of(Event.DISPOSE, Event.DRAIN, Event.BATCH_FAULT, Event.STEP_FAULT);

    private final long seed;

    Scenarios(long seed) {
        this.seed = seed;
    }

    Scenario scenario(long number) {
        Scenario scenario = any(number);
        boolean tight = number % 4 == 2;
        Scenario sized = tight ? withDrafts(tight(scenario), 2, NEVER) : withDrafts(scenario, 4, 4);
        boolean hasPages = sized.promptTokens() > 2 * sized.pageSize();
        return withRules(
                sized.hostBlocks() > 0 && hasPages && sized.preemption() != PreemptionMode.RECOMPUTE
                        ? withDisk(sized)
                        : sized,
                tight);
    }

    /**
     * A quarter each goes by the length of outputs, evicts as it has learned to, or keeps ranges; but where it is tight
     * nothing is done to have it less so. Drawn apart, as drafts are.
     */
    private static Scenario withRules(Scenario scenario, boolean tight) {
        SplittableRandom random = new SplittableRandom(Seeds.mix(scenario.seed(), RULES_RANDOM));
        ScenarioText text = ScenarioText.of(scenario);
        if (random.nextInt(4) == 0) {
            text = byWork(text, random);
        }
        if (random.nextInt(4) == 0 && !tight) {
            text = text.with("growth", "" + GROWTH_MARGINS[random.nextInt(GROWTH_MARGINS.length)]);
        }
        if (random.nextInt(4) == 0) {
            text = text.with("victim", random.nextBoolean() ? "most_work" : "cheapest_room");
        }
        if (scenario.caching() && random.nextInt(4) == 0) {
            text = random.nextInt(4) == 0 && scenario.pageSize() <= SMALL_PAGE && !tight
                    ? returning(text)
                    : text.with("eviction", ScenarioText.ADAPTIVE);
        }
        if (scenario.caching() && random.nextInt(4) == 0) {
            Set<Event> events = text.events();
            events.addAll(OF_RULES);
            text = text.with("events", ScenarioText.names(events));
        }
        return text.scenario();
    }

    /** So many come back, to so little room, that it is learned what returns. */
    private static ScenarioText returning(ScenarioText text) {
        Set<Event> events = text.events();
        events.removeAll(RUIN);
        events.add(Event.TURNS);
        ScenarioText returning = text.with("eviction", ScenarioText.ADAPTIVE)
                .with("page", "1")
                .with("layers", "1")
                .with("prompt", "40")
                .with("output", "6")
                .with("clients", ScenarioText.join(numbers(MANY)))
                .with("events", ScenarioText.names(events));
        return returning.with("blocks", "" + 3 * returning.scenario().blocksOfLongest());
    }

    /** Few may pass who does not fit and soon nobody may overtake, or everybody may for ever. */
    private static ScenarioText byWork(ScenarioText text, SplittableRandom random) {
        boolean levelling = random.nextBoolean();
        return text.with("policy", "shortest")
                .with(
                        "ageing",
                        "" + (random.nextInt(3) == 0 ? SchedulerConfig.Builder.DEFAULT_AGEING : random.nextInt(12)))
                .with("skips", "" + (random.nextBoolean() ? text.count("skips") : random.nextInt(2)))
                .with("levelling", "" + levelling)
                .with("readmit", levelling && random.nextBoolean() ? "false" : text.get("readmit"));
    }

    /** One of so many speculates, and of those one of so many without hope. Drawn apart, so that the rest does not depend on it. */
    private static Scenario withDrafts(Scenario scenario, int oneOf, int oneHopelessOf) {
        SplittableRandom random = new SplittableRandom(Seeds.mix(scenario.seed(), DRAFTS_RANDOM));
        if (random.nextInt(oneOf) > 0) {
            return scenario;
        }
        int drafts = 1 + random.nextInt(random.nextBoolean() ? 3 : MOST_DRAFTS);
        Scenario.Drafting drafting = switch (random.nextInt(16)) {
            case 0 -> Scenario.Drafting.OFF;
            case 1, 2, 3, 4, 5 -> Scenario.Drafting.FIXED;
            case 6, 7, 8, 9 -> Scenario.Drafting.TABLE;
            default -> Scenario.Drafting.ADAPTIVE;
        };
        ScenarioText text = ScenarioText.of(scenario)
                .with("draft", "true")
                .with("drafts", "" + drafts)
                .with("drafting", drafting.name().toLowerCase(Locale.ROOT))
                .with("distance", "" + DISTANCES[random.nextInt(DISTANCES.length)])
                .with("credits", "" + (random.nextInt(4) == 0 ? 1 + random.nextInt(3 * drafts) : 0))
                .with("watermark", random.nextBoolean() ? "" + scenario.watermark() : "0.3");
        if (random.nextInt(oneHopelessOf) == 0) {
            return hopeless(text, random);
        }
        Set<Event> events = text.events();
        if (drafting != Scenario.Drafting.OFF && random.nextInt(3) == 0) {
            events.addAll(OF_DRAFTS);
            int credits = text.count("credits");
            text = text.with("credits", "" + (credits == 0 ? 0 : Math.max(credits, scenario.overlap() + 1)));
        }
        return text.with("events", events.isEmpty() ? ScenarioText.NONE : ScenarioText.names(events))
                .scenario();
    }

    /** Few sequences that are long, and drafts that are hardly ever accepted: who looks at that probes now and then. */
    private static Scenario hopeless(ScenarioText text, SplittableRandom random) {
        Set<Event> events = text.events();
        events.removeAll(RUIN);
        Scenario scenario = text.with("drafting", "adaptive")
                .with("distance", "4.0")
                .with("output", "" + (100 + random.nextInt(100)))
                .with("clients", ScenarioText.join(numbers(2 + random.nextInt(3))))
                .with("events", events.isEmpty() ? ScenarioText.NONE : ScenarioText.names(events))
                .scenario();
        int ofOne = scenario.blocksOfLongest();
        return withBlocks(scenario, ofOne + random.nextInt(2 * ofOne));
    }

    /** They have a disk too. Drawn apart, so that the rest does not depend on it. */
    private static Scenario withDisk(Scenario scenario) {
        SplittableRandom random = new SplittableRandom(Seeds.mix(scenario.seed(), DISK_RANDOM));
        Set<Event> events = EnumSet.noneOf(Event.class);
        events.addAll(scenario.events());
        for (Event event : OF_DISK) {
            if (random.nextInt(6) > 0) {
                events.add(event);
            }
        }
        int ofOne = scenario.blocksOfLongest();
        // What a page computed is written through, and a host that has room, have more written to the disk.
        HostPolicy policy = random.nextBoolean() ? scenario.hostPolicy() : HostPolicy.WRITE_THROUGH;
        int host = switch (random.nextInt(4)) {
            case 0 -> scenario.hostBlocks();
            case 1 -> 1 + random.nextInt(4);
            default -> ofOne + random.nextInt(4 * ofOne);
        };
        int disk = 1 + random.nextInt(random.nextBoolean() ? ofOne : 6 * ofOne);
        return ScenarioText.of(scenario)
                .with("host", "" + host)
                .with("hostpolicy", policy.name().toLowerCase(Locale.ROOT))
                .with("disk", "" + disk)
                .with("events", events.isEmpty() ? ScenarioText.NONE : ScenarioText.names(events))
                .scenario();
    }

    private static Scenario tight(Scenario scenario) {
        SplittableRandom random = new SplittableRandom(~scenario.seed());
        int prompt = 8 + random.nextInt(32);
        int output = 10 + random.nextInt(30);
        int batch = 2 + random.nextInt(5);
        Set<Event> events = EnumSet.of(Event.CANCEL, Event.FORK);
        events.addAll(scenario.events());
        events.removeAll(EnumSet.of(Event.DISPOSE, Event.DRAIN));
        Scenario tight = ScenarioText.of(scenario)
                .with("dp", "2")
                .with("overlap", "" + (random.nextInt(4) == 0 ? 2 : 3))
                .with("batch", "" + batch)
                .with("tokens", "" + (batch + random.nextInt(6)))
                .with("chunk", "1")
                .with("watermark", "0.0")
                .with("pending", "" + BlockSchedulerBuilder.DEFAULT_MAX_PENDING)
                .with("prompt", "" + prompt)
                .with("output", "" + output)
                .with("clients", ScenarioText.join(numbers(6 + random.nextInt(7))))
                .with("events", ScenarioText.names(events))
                .scenario();
        int ofOne = tight.blocksOfLongest();
        Scenario sized = withBlocks(tight, ofOne + random.nextInt(ofOne / 2 + 1));
        return random.nextInt(4) == 0
                ? sized
                : ScenarioText.of(sized).with("preemption", "recompute").scenario();
    }

    private Scenario any(long number) {
        long own = Seeds.mix(seed, number) >>> 1;
        SplittableRandom random = new SplittableRandom(own);
        // Both factors are odd, so each turn visits every value once; those of tight scenarios do not count.
        int pageSize =
                number % 2 == 0 ? 1 + random.nextInt(SMALL_PAGE) : turn(number / 2 * 37, Coverage.MOST_PAGE_SIZE);
        int maxBatchTokens = turn((number / 4 * 3 + Math.min(2, number % 4)) * 29, Coverage.MOST_CHUNK);
        int maxBatchSize = 1 + random.nextInt(Math.min(8, maxBatchTokens));
        int tensorParallel = 1 << random.nextInt(3);
        int promptTokens = 8 + random.nextInt(24 + pageSize * 5 / 2);
        int outputTokens = 3 + random.nextInt(20);
        int clients = pageSize > 48 ? 3 + random.nextInt(4) : 4 + random.nextInt(9);
        Scenario scenario = new Scenario(
                own,
                shape(random, tensorParallel),
                random.nextBoolean(),
                tensorParallel,
                1 + random.nextInt(2),
                1 + random.nextInt(3),
                pageSize,
                1,
                maxBatchSize,
                maxBatchTokens,
                1 + random.nextInt(random.nextInt(maxBatchTokens - maxBatchSize + 1) + 1),
                QueuePolicy.values()[random.nextInt(3)],
                VictimRule.values()[random.nextInt(2)],
                random.nextInt(3) == 0 ? 0.1 : 0,
                random.nextInt(8) > 0,
                random.nextInt(3) * random.nextInt(5),
                promptTokens,
                outputTokens,
                numbers(clients),
                events(random),
                random.nextInt(4) > 0,
                random.nextInt(4) > 0,
                random.nextInt(3) == 0 ? random.nextInt(4) : SchedulerConfig.Builder.DEFAULT_MAX_SKIPS,
                random.nextInt(4) == 0 ? 1 + random.nextInt(4) : BlockSchedulerBuilder.DEFAULT_MAX_PENDING,
                0,
                HostPolicy.values()[random.nextInt(3)],
                PreemptionMode.AUTO,
                random.nextInt(3) * 0.1,
                0,
                0,
                Scenario.Drafting.OFF,
                0,
                0,
                Scenario.Lengths.DEFAULT,
                false,
                true,
                random.nextInt(4) == 0);
        int ofOne = scenario.blocksOfLongest();
        Scenario sized = withBlocks(scenario, blocks(random, ofOne));
        return scenario.caching() && random.nextBoolean() ? withHost(sized, random, ofOne) : sized;
    }

    /** From hardly any to several times the longest sequence. */
    private static Scenario withHost(Scenario scenario, SplittableRandom random, int ofOne) {
        PreemptionMode[] modes = PreemptionMode.values();
        return ScenarioText.of(scenario)
                .with("host", "" + (1 + random.nextInt(1 + random.nextInt(6 * ofOne))))
                .with("preemption", modes[random.nextInt(modes.length)].name().toLowerCase(Locale.ROOT))
                .with("poison", "" + random.nextBoolean())
                .scenario();
    }

    private static Scenario withBlocks(Scenario scenario, int blocks) {
        return ScenarioText.of(scenario).with("blocks", "" + blocks).scenario();
    }

    /** From 1 to most. */
    private int turn(long number, int most) {
        return 1 + (int) Math.floorMod(number + seed, (long) most);
    }

    private static ReferenceShape shape(SplittableRandom random, int tensorParallel) {
        boolean latent = random.nextInt(3) == 0;
        int kvHeads = latent ? 1 : tensorParallel * (1 + random.nextInt(4 / tensorParallel));
        int heads = latent ? tensorParallel * (1 + random.nextInt(2)) : kvHeads * (1 + random.nextInt(2));
        return new ReferenceShape(
                latent ? AttentionKind.MLA : AttentionKind.MHA,
                1 + random.nextInt(2),
                heads,
                kvHeads,
                2 + 2 * random.nextInt(3),
                VOCABULARY,
                random.nextBoolean() ? DType.FLOAT32 : DType.BFLOAT16);
    }

    /** From too few, where a sequence outgrows its replica, by the least that can run one, to plenty. */
    private static int blocks(SplittableRandom random, int ofOne) {
        return switch (random.nextInt(8)) {
            case 0 -> Math.max(1, ofOne - 1);
            case 1, 2 -> ofOne;
            case 3, 4 -> ofOne + random.nextInt(ofOne + 1);
            case 5, 6 -> 2 * ofOne + random.nextInt(ofOne + 1);
            default -> 8 * ofOne;
        };
    }

    private static List<Integer> numbers(int clients) {
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            numbers.add(i);
        }
        return numbers;
    }

    private static Set<Event> events(SplittableRandom random) {
        Set<Event> events = EnumSet.noneOf(Event.class);
        int likelihood = random.nextInt(4);
        Set<Event> others = EnumSet.allOf(Event.class);
        others.removeAll(OF_DISK);
        others.removeAll(OF_DRAFTS);
        others.removeAll(OF_RULES);
        for (Event event : others) {
            if (random.nextInt(RUIN.contains(event) ? 8 : 4) < likelihood) {
                events.add(event);
            }
        }
        return events;
    }
}
