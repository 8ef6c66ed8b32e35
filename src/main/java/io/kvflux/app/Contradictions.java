package io.kvflux.app;

import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.VictimRule;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Options that cannot be meant together. Nothing is run before all of this holds. */
final class Contradictions {

    private Contradictions() {}

    static void check(
            WorkloadOptions workload,
            CacheOptions cache,
            TierOptions tiers,
            SchedulingOptions scheduling,
            SpeculationOptions speculation,
            TimeOptions time,
            OutputOptions output) {
        refuse(cache.deviceBlocks != null && cache.deviceMemory != null, "--device-blocks and --device-memory");
        refuse(time.stepCost != null && time.deviceProfile != null, "--step-cost and --device-profile");
        checkTiers(cache, tiers);
        checkDisk(cache, tiers, time);
        checkSpeculation(cache, speculation);
        checkShortest(scheduling);
        if (workload.lengthHints != null
                && !(workload.lengthHints >= 0 && workload.lengthHints < Double.POSITIVE_INFINITY)) {
            throw new UsageException(
                    "the error of --length-hints must be finite and 0 or more, --length-hints=" + workload.lengthHints);
        }
        if (workload.trace == null && workload.format != null) {
            throw new UsageException("--format says how to read a trace, but there is no --trace");
        }
        if (scheduling.engine == Engine.VLLM) {
            checkVllm(scheduling);
        }
        if (time.realtime) {
            checkRealtime(output);
        } else if (time.speed != null) {
            throw new UsageException("--speed is how fast --realtime runs, but there is no --realtime");
        }
        if (time.speed != null && !(time.speed > 0 && time.speed < Double.POSITIVE_INFINITY)) {
            throw new UsageException("--speed must be positive, --speed=" + time.speed);
        }
        refuse(cache.cacheOnly && time.realtime, "--cache-only and --realtime");
        if (cache.withMemory && time.realtime) {
            throw new UsageException("--realtime has pages of its own, so --with-memory has no meaning with it");
        }
        if (cache.device != null && !cache.withMemory) {
            throw new UsageException("--device is where real pages are, so it needs --with-memory");
        }
        if (cache.cacheOnly) {
            checkCacheOnly(workload, cache, tiers, scheduling, time, output);
        }
    }

    private static void checkShortest(SchedulingOptions scheduling) {
        if (scheduling.levelling && scheduling.policy != QueuePolicy.SHORTEST) {
            throw new UsageException("--levelling changes the order of --policy shortest, so it needs that");
        }
        if (scheduling.ageing != null
                && scheduling.policy != QueuePolicy.SHORTEST
                && (scheduling.victim == null || !scheduling.victim.isByLength())) {
            throw new UsageException("--ageing is about rules that go by predicted work: give --policy shortest, or a"
                    + " --victim that does");
        }
    }

    private static void checkSpeculation(CacheOptions cache, SpeculationOptions speculation) {
        if (cache.cacheOnly) {
            needsTime(speculation.speculation != null, "--speculation");
            needsTime(speculation.numDraftTokens != null, "--num-draft-tokens");
            needsTime(speculation.acceptance != null, "--acceptance");
            needsTime(speculation.draftCost != null, "--draft-cost");
            needsTime(speculation.draftModel != null, "--draft-model");
        }
        if (!speculation.isGiven()) {
            needsDrafts(speculation.acceptance != null, "--acceptance");
            needsDrafts(speculation.draftCost != null, "--draft-cost");
        }
    }

    private static void needsDrafts(boolean given, String option) {
        if (given) {
            throw new UsageException(option + " is about drafts, but nobody drafts: give --speculation");
        }
    }

    private static void checkTiers(CacheOptions cache, TierOptions tiers) {
        refuse(tiers.hostBlocks != null && tiers.hostMemory != null, "--host-blocks and --host-memory");
        if (!tiers.hasHost()) {
            needsHost(tiers.hostPolicy != null, "--host-policy");
            needsHost(tiers.hostBandwidth != null, "--host-bandwidth");
            needsHost(tiers.preemption == PreemptionMode.OFFLOAD, "--preemption offload");
        } else if (cache.noPrefixCache) {
            throw new UsageException("a host tier finds pages by their content, which --no-prefix-cache switches off");
        }
    }

    private static void checkDisk(CacheOptions cache, TierOptions tiers, TimeOptions time) {
        if (tiers.disk == null) {
            needsDisk(tiers.diskSize != null, "--disk-size");
            needsDisk(tiers.diskBandwidth != null, "--disk-bandwidth");
            return;
        }
        if (tiers.diskSize == null) {
            throw new UsageException("--disk needs to know how much it may hold: give --disk-size");
        }
        needsHost(!tiers.hasHost(), "--disk");
        if (time.realtime) {
            if (tiers.diskBandwidth != null) {
                throw new UsageException("--disk-bandwidth is of simulated time, which with --realtime has no disk");
            }
        } else if (!cache.withMemory) {
            throw new UsageException("--disk keeps real bytes, so it needs --with-memory, or --realtime");
        }
    }

    private static void needsDisk(boolean given, String option) {
        if (given) {
            throw new UsageException(option + " needs a disk: give --disk");
        }
    }

    private static void needsHost(boolean given, String option) {
        if (given) {
            throw new UsageException(option + " needs a host tier: give --host-memory or --host-blocks");
        }
    }

    /** picocli makes an option group anew when an option in it repeats, and forgets the others: so none may. */
    static void refuseRepeated(CommandSpec command) {
        List<String> args = command.commandLine().getParseResult().originalArgs();
        for (OptionSpec option : command.options()) {
            long times = args.stream()
                    .filter(arg ->
                            Stream.of(option.names()).anyMatch(name -> arg.equals(name) || arg.startsWith(name + "=")))
                    .count();
            if (times > 1) {
                throw new UsageException(option.longestName() + " is given " + times + " times, give it once");
            }
        }
    }

    private static void checkVllm(SchedulingOptions scheduling) {
        if (scheduling.policy != null && scheduling.policy != QueuePolicy.FIFO) {
            throw new UsageException("--engine vllm admits in order of arrival, but there is --policy "
                    + Converters.name(scheduling.policy));
        }
        if (scheduling.victim != null && scheduling.victim != VictimRule.LAST_ADMITTED) {
            throw new UsageException("--engine vllm preempts the sequence admitted last, but there is --victim "
                    + Converters.name(scheduling.victim));
        }
        if (scheduling.growthMargin != null) {
            throw new UsageException(
                    "--engine vllm looks at what is free now, but there is --growth-margin " + scheduling.growthMargin);
        }
        if (scheduling.maxStepsInFlight != null && scheduling.maxStepsInFlight != 1) {
            throw new UsageException("--engine vllm has one step in flight, but there is --max-steps-in-flight "
                    + scheduling.maxStepsInFlight);
        }
    }

    private static void checkCacheOnly(
            WorkloadOptions workload,
            CacheOptions cache,
            TierOptions tiers,
            SchedulingOptions scheduling,
            TimeOptions time,
            OutputOptions output) {
        needsTime(workload.tenants != null, "--tenants");
        needsTime(workload.lengthHints != null, "--length-hints");
        needsTime(scheduling.policy != null, "--policy");
        needsTime(scheduling.ageing != null, "--ageing");
        needsTime(scheduling.growthMargin != null, "--growth-margin");
        needsTime(scheduling.victim != null, "--victim");
        needsTime(scheduling.levelling, "--levelling");
        needsTime(scheduling.maxBatchSize != null, "--max-batch-size");
        needsTime(scheduling.maxBatchTokens != null, "--max-batch-tokens");
        needsTime(scheduling.maxStepsInFlight != null, "--max-steps-in-flight");
        needsTime(scheduling.engine != null, "--engine");
        needsTime(tiers.hostBandwidth != null, "--host-bandwidth");
        needsTime(tiers.preemption != null, "--preemption");
        needsTime(tiers.diskBandwidth != null, "--disk-bandwidth");
        needsTime(time.stepCost != null, "--step-cost");
        needsTime(output.ticks != null, "--ticks");
        needsTime(output.perRequest != null, "--per-request");
        refuse(cache.noPrefixCache, "--cache-only and --no-prefix-cache");
        if (cache.dataParallel != 1) {
            throw new UsageException(
                    "--cache-only looks at one replica's cache, but there is --data-parallel " + cache.dataParallel);
        }
    }

    private static void checkRealtime(OutputOptions output) {
        String option = output.perRequest != null ? "--per-request" : output.ticks != null ? "--ticks" : null;
        option = output.report != null ? "--report" : option;
        if (option != null) {
            throw new UsageException(option + " shows simulated time, so it has no meaning with --realtime");
        }
    }

    private static void needsTime(boolean given, String option) {
        if (given) {
            throw new UsageException("--cache-only has no steps and no time, so " + option + " has no meaning with it");
        }
    }

    private static void refuse(boolean both, String options) {
        if (both) {
            throw new UsageException(options + " contradict each other, give one of them");
        }
    }
}
