package io.kvflux.selftest;

import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.VictimRule;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.tier.HostPolicy;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A scenario as one line: {@code field=value} by {@code field=value}, each field once, in any order. Immutable. */
final class ScenarioText {

    static final String NONE = "none";
    static final String ADAPTIVE = "adaptive";
    static final String LRU = "lru";

    private final Map<String, String> fields;

    private ScenarioText(Map<String, String> fields) {
        this.fields = fields;
    }

    static ScenarioText of(Scenario scenario) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("seed", "" + scenario.seed());
        fields.put("attention", name(scenario.shape().attention()));
        fields.put("layers", "" + scenario.shape().layers());
        fields.put("heads", "" + scenario.shape().heads());
        fields.put("kvheads", "" + scenario.shape().kvHeads());
        fields.put("dim", "" + scenario.shape().headDim());
        fields.put("vocabulary", "" + scenario.shape().vocabulary());
        fields.put("dtype", name(scenario.shape().dtype()));
        fields.put("draft", "" + scenario.draft());
        fields.put("tp", "" + scenario.tensorParallel());
        fields.put("dp", "" + scenario.dataParallel());
        fields.put("overlap", "" + scenario.overlap());
        fields.put("page", "" + scenario.pageSize());
        fields.put("blocks", "" + scenario.blocks());
        fields.put("batch", "" + scenario.maxBatchSize());
        fields.put("tokens", "" + scenario.maxBatchTokens());
        fields.put("chunk", "" + scenario.minChunkTokens());
        fields.put("policy", name(scenario.policy()));
        fields.put("victim", name(scenario.victim()));
        fields.put("watermark", "" + scenario.watermark());
        fields.put("caching", "" + scenario.caching());
        fields.put("buffer", "" + scenario.tokenBuffer());
        fields.put("prompt", "" + scenario.promptTokens());
        fields.put("output", "" + scenario.outputTokens());
        fields.put("clients", join(scenario.clients()));
        fields.put("events", scenario.events().isEmpty() ? NONE : names(scenario.events()));
        fields.put("reserve", "" + scenario.reservePrefills());
        fields.put("readmit", "" + scenario.admitAfterPreemption());
        fields.put("skips", "" + scenario.maxSkips());
        fields.put("pending", "" + scenario.maxPending());
        fields.put("host", "" + scenario.hostBlocks());
        fields.put("hostpolicy", name(scenario.hostPolicy()));
        fields.put("preemption", name(scenario.preemption()));
        fields.put("ahead", "" + scenario.ahead());
        fields.put("disk", "" + scenario.diskSlots());
        fields.put("drafts", "" + scenario.drafts());
        fields.put("drafting", name(scenario.drafting()));
        fields.put("distance", "" + scenario.distance());
        fields.put("credits", "" + scenario.credits());
        Double growthMargin = scenario.lengths().growthMargin();
        fields.put("ageing", "" + scenario.lengths().ageing());
        fields.put("growth", growthMargin == null ? NONE : "" + growthMargin);
        fields.put("levelling", "" + scenario.lengths().levelling());
        fields.put("eviction", scenario.adaptive() ? ADAPTIVE : LRU);
        fields.put("poison", "" + scenario.poison());
        fields.put("verify", "" + scenario.verify());
        return new ScenarioText(fields);
    }

    /**
     * Reads a line.
     *
     * @throws IllegalArgumentException naming the field that is missing, unknown, there twice or out of range
     */
    static ScenarioText parse(String line) {
        Map<String, String> fields = new LinkedHashMap<>();
        for (String word : line.strip().split("\\s+", -1)) {
            int equals = word.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException("a scenario is a line of field=value, found '" + word + "'");
            }
            if (fields.put(word.substring(0, equals), word.substring(equals + 1)) != null) {
                throw new IllegalArgumentException(
                        "a field of a scenario stands once, but this one twice: " + word.substring(0, equals));
            }
        }
        return new ScenarioText(fields);
    }

    ScenarioText with(String field, String value) {
        Map<String, String> changed = new LinkedHashMap<>(fields);
        changed.put(field, value);
        return new ScenarioText(changed);
    }

    String get(String field) {
        String value = fields.get(field);
        if (value == null) {
            throw new IllegalArgumentException("a scenario needs every field, missing: " + field);
        }
        return value;
    }

    /** @throws IllegalArgumentException naming the first field that is missing, unknown or out of range */
    Scenario scenario() {
        Scenario scenario = new Scenario(
                number("seed", Long.MAX_VALUE),
                shape(),
                truth("draft"),
                count("tp"),
                count("dp"),
                count("overlap"),
                count("page"),
                count("blocks"),
                count("batch"),
                count("tokens"),
                count("chunk"),
                choice("policy", QueuePolicy.class),
                choice("victim", VictimRule.class),
                fraction("watermark"),
                truth("caching"),
                count("buffer"),
                count("prompt"),
                count("output"),
                clients(),
                events(),
                truth("reserve"),
                truth("readmit"),
                count("skips"),
                count("pending"),
                count("host"),
                choice("hostpolicy", HostPolicy.class),
                choice("preemption", PreemptionMode.class),
                fraction("ahead"),
                count("disk"),
                count("drafts"),
                choice("drafting", Scenario.Drafting.class),
                fraction("distance"),
                count("credits"),
                lengths(),
                adaptive(),
                truth("poison"),
                truth("verify"));
        scenario.caches(); // whether the heads can be split so
        Set<String> known = of(scenario).fields.keySet();
        for (String field : fields.keySet()) {
            if (!known.contains(field)) {
                throw new IllegalArgumentException("a scenario has no such field: " + field);
            }
        }
        return scenario;
    }

    private ReferenceShape shape() {
        return new ReferenceShape(
                choice("attention", AttentionKind.class),
                count("layers"),
                count("heads"),
                count("kvheads"),
                count("dim"),
                count("vocabulary"),
                choice("dtype", DType.class));
    }

    private Scenario.Lengths lengths() {
        Double growthMargin = get("growth").equals(NONE) ? null : (Double) fraction("growth");
        return new Scenario.Lengths(count("ageing"), growthMargin, truth("levelling"));
    }

    private boolean adaptive() {
        return switch (get("eviction")) {
            case ADAPTIVE -> true;
            case LRU -> false;
            default -> throw wrong("eviction", get("eviction"), "one of " + LRU + "+" + ADAPTIVE);
        };
    }

    List<Integer> clients() {
        return Arrays.stream(get("clients").split(",", -1))
                .map(text -> (int) number("clients", text, Integer.MAX_VALUE))
                .toList();
    }

    Set<Event> events() {
        Set<Event> events = EnumSet.noneOf(Event.class);
        if (!get("events").equals(NONE)) {
            for (String name : get("events").split("\\+", -1)) {
                events.add(choice("events", name, Event.class));
            }
        }
        return events;
    }

    int count(String field) {
        return (int) number(field, Integer.MAX_VALUE);
    }

    private long number(String field, long max) {
        return number(field, get(field), max);
    }

    private static long number(String field, String text, long max) {
        try {
            long value = Long.parseLong(text);
            if (value >= 0 && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            // The message below says what is expected.
        }
        throw wrong(field, text, "a whole number from 0 to " + max);
    }

    private double fraction(String field) {
        String text = get(field);
        try {
            if (text.matches("[-+.0-9eE]*")) { // and not 0.5f or 0x1p-1, which Java reads too
                return Double.parseDouble(text);
            }
        } catch (NumberFormatException e) {
            // The message below says what is expected.
        }
        throw wrong(field, text, "a decimal number");
    }

    private boolean truth(String field) {
        return switch (get(field)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw wrong(field, get(field), "true or false");
        };
    }

    private <E extends Enum<E>> E choice(String field, Class<E> type) {
        return choice(field, get(field), type);
    }

    private static <E extends Enum<E>> E choice(String field, String text, Class<E> type) {
        for (E value : type.getEnumConstants()) {
            if (name(value).equals(text)) {
                return value;
            }
        }
        throw wrong(field, text, "one of " + names(Arrays.asList(type.getEnumConstants())));
    }

    private static IllegalArgumentException wrong(String field, String text, String expected) {
        return new IllegalArgumentException(
                "a field of a scenario is malformed: " + field + "=" + text + ", expected " + expected);
    }

    static String join(List<Integer> numbers) {
        return numbers.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    static String names(Iterable<? extends Enum<?>> values) {
        StringBuilder names = new StringBuilder();
        for (Enum<?> value : values) {
            names.append(names.isEmpty() ? "" : "+").append(name(value));
        }
        return names.toString();
    }

    private static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return fields.entrySet().stream()
                .map(field -> field.getKey() + "=" + field.getValue())
                .collect(Collectors.joining(" "));
    }
}
