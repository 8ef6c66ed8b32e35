package io.kvflux.app;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * One configuration of a replay that is compared with others.
 *
 * @param name as it was asked for
 * @param given options that it gives itself, beside its names
 * @param args of replay
 */
record Variant(String name, List<String> given, List<String> args) {

    private static final String VICTIM = "--victim";
    private static final Set<String> HOST =
            Set.of("--host-memory", "--host-blocks", "--host-policy", "--host-bandwidth", "--preemption");
    private static final CommandSpec REPLAY = CommandSpec.forAnnotatedObject(new ReplayCommand(new Interruption()));
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
        presets.put("short-first", List.of(shortest, joined(shortest, "--growth-margin", "1.75", "--ageing", "3500")));
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
     * <p>Of an option that is given more than once the last counts: those for all variants come first, then the names
     * from left to right, then the options behind them.
     *
     * @param common options of all variants
     */
    static Variant of(String text, List<String> common) {
        String name = text.strip();
        if (name.startsWith("--")) {
            List<String> given = List.of(name.split("\\s+"));
            return new Variant(name, given, merged(common, given));
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
        List<String> args = base;
        for (String preset : names) {
            args = merged(args, PRESETS.get(preset).get(host ? 0 : 1));
        }
        List<String> given = List.copyOf(words.subList(1, words.size()));
        return new Variant(name, given, merged(args, given));
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
            } else if (!arg.contains("=") && !isSwitch(arg)) {
                i++;
            }
        }
        return left;
    }

    private static boolean isSwitch(String arg) {
        OptionSpec option = REPLAY.findOption(arg);
        return option != null && option.arity().max() == 0;
    }

    private static boolean isOption(String arg, Set<String> options) {
        return options.contains(arg.split("=", 2)[0]);
    }
}
