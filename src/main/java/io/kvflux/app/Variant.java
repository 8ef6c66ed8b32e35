package io.kvflux.app;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One configuration of a replay that is compared with others.
 *
 * @param name as it was asked for
 * @param args of replay
 */
record Variant(String name, List<String> args) {

    private static final String VICTIM = "--victim";
    private static final Set<String> HOST =
            Set.of("--host-memory", "--host-blocks", "--host-policy", "--host-bandwidth", "--preemption");
    private static final Set<String> SWITCHES = Set.of("--levelling", "--no-prefix-cache", "--verify-invariants");
    private static final List<String> GROWTH = List.of("--growth-margin", "0.75");

    /** What each name means: with a host, and without. */
    private static final Map<String, List<List<String>>> PRESETS = presets();

    private static Map<String, List<List<String>>> presets() {
        Map<String, List<List<String>>> presets = new LinkedHashMap<>();
        presets.put("default", List.of(List.of(), List.of()));
        presets.put("vllm", List.of(List.of("--engine", "vllm"), List.of("--engine", "vllm")));
        presets.put("no-host", List.of(List.of(), List.of()));
        presets.put("in-order", List.of(List.of(VICTIM, "cheapest-room"), GROWTH));
        List<String> shortest = List.of("--policy", "shortest", "--levelling", VICTIM, "most-work");
        presets.put("short-first", List.of(shortest, joined(shortest, "--growth-margin", "1.5", "--ageing", "3500")));
        List<String> adaptive = List.of("--eviction", "adaptive");
        presets.put("adaptive-eviction", List.of(adaptive, adaptive));
        return presets;
    }

    private static List<String> joined(List<String> first, String... more) {
        List<String> all = new ArrayList<>(first);
        all.addAll(Arrays.asList(more));
        return List.copyOf(all);
    }

    /**
     * Reads a variant: names of presets joined by +, options of replay, or names and then options.
     *
     * @param common options of all variants; one that a variant gives too counts as the variant gives it, and one that a
     *     name stands for as the options behind the name give it
     */
    static Variant of(String text, List<String> common) {
        String name = text.strip();
        if (name.startsWith("--")) {
            return new Variant(name, merged(common, Arrays.asList(name.split("\\s+"))));
        }
        List<String> words = Arrays.asList(name.split("\\s+"));
        List<String> names = Arrays.asList(words.get(0).split("\\+", -1));
        for (String preset : names) {
            if (!PRESETS.containsKey(preset)) {
                throw new UsageException("a variant is one of " + String.join(", ", PRESETS.keySet())
                        + ", several of them joined by +, options of replay, or such names and then options, variant='"
                        + name + "'");
            }
        }
        List<String> base = names.contains("no-host") || names.contains("vllm") ? without(common, HOST) : common;
        boolean host = base.stream().anyMatch(arg -> isOption(arg, Set.of("--host-memory", "--host-blocks")));
        List<String> own = new ArrayList<>();
        for (String preset : names) {
            own.addAll(PRESETS.get(preset).get(host ? 0 : 1));
        }
        return new Variant(name, merged(merged(base, own), words.subList(1, words.size())));
    }

    private static List<String> merged(List<String> common, List<String> own) {
        Set<String> names = new HashSet<>();
        own.stream().filter(arg -> arg.startsWith("--")).forEach(arg -> names.add(arg.split("=", 2)[0]));
        List<String> args = new ArrayList<>(without(common, names));
        args.addAll(own);
        return List.copyOf(args);
    }

    /** The arguments without some options and their values. */
    private static List<String> without(List<String> args, Set<String> options) {
        List<String> left = new ArrayList<>();
        for (int i = 0; i < args.size(); i++) {
            String arg = args.get(i);
            if (!isOption(arg, options)) {
                left.add(arg);
            } else if (!arg.contains("=") && !SWITCHES.contains(arg)) {
                i++;
            }
        }
        return left;
    }

    private static boolean isOption(String arg, Set<String> options) {
        return options.contains(arg.split("=", 2)[0]);
    }
}
