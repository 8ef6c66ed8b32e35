package io.kvflux.selftest;

import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.FaultyDeviceMemory.Faults;
import io.kvflux.memory.FaultyDeviceMemory.InjectedFaultException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Decides what a device does to its batches, and knows whom a batch that fails may take with it: of a batch that only
 * copies the forks that it copied for, of one that fills blocks also what the step could compute. Nobody else.
 */
final class DeviceFaults implements Faults {

    /** A batch that was made to fail, and who may still end by that. */
    private static final class Failed {
        private final Set<SequenceWatch> forks;
        private final Set<SequenceWatch> others;
        private int forksLeft;
        private long othersLeft;

        Failed(Set<SequenceWatch> forks, int copies, Set<SequenceWatch> others, long entries) {
            this.forks = forks;
            this.others = others;
            forksLeft = copies;
            othersLeft = entries;
        }

        boolean takes(SequenceWatch watch) {
            // A fork that is computed may end by that: it does not use up what is left to one whose copy failed.
            if (others.contains(watch) && othersLeft > 0) {
                othersLeft--;
                return true;
            }
            return forks.contains(watch) && forksLeft-- > 0;
        }
    }

    private final Scenario scenario;
    private final SplittableRandom random;
    private final Coverage coverage;
    private final ScenarioClients clients;
    private final Map<Integer, Failed> failed = new HashMap<>();
    /** Of each step to come that has copies, in order: the forks they are for. */
    private final Deque<Set<SequenceWatch>> copying = new ArrayDeque<>();

    private int failedTransfers;
    private boolean calm;

    DeviceFaults(Scenario scenario, SplittableRandom random, Coverage coverage, ScenarioClients clients) {
        this.scenario = scenario;
        this.random = random;
        this.coverage = coverage;
        this.clients = clients;
    }

    /** Copies between device and host that were made to fail. */
    int failedTransfers() {
        return failedTransfers;
    }

    /** From now on nothing fails. */
    void calmDown() {
        calm = true;
    }

    @Override
    public Fault of(int number, CopyBatch batch) {
        if (batch.transferredBlocks() > 0) {
            return calm ? Fault.NONE : ofTransfer();
        }
        Fault fault = calm ? Fault.NONE : draw();
        boolean fails = fault != Fault.NONE && fault != Fault.DELAY;
        boolean fills = batch.filledBlocks() > 0;
        Set<SequenceWatch> forks = batch.copiedBlocks() > 0 ? clients.takeForks() : Set.of();
        if (fails) {
            forks.forEach(SequenceWatch::lacksCopy);
            long entries = (long) scenario.maxBatchSize() * scenario.dataParallel();
            failed.put(
                    number, new Failed(forks, batch.copiedBlocks(), fills ? clients.computable() : Set.of(), entries));
        }
        if (batch.copiedBlocks() > 0 && !(fails && fills)) { // else the step comes to nothing
            copying.add(forks);
        }
        return fault;
    }

    /** Whether a sequence may end by the failure of a batch; it then has. */
    boolean mayEnd(SequenceWatch watch, InjectedFaultException cause) {
        Failed batch = failed.get(cause.batch());
        return batch != null && batch.takes(watch);
    }

    /** The forks whose open pages were to be copied for the next step with copies, which is handed out now. */
    Set<SequenceWatch> nextCopied() {
        return copying.remove();
    }

    private Fault draw() {
        if (scenario.has(Event.LATE) && random.nextInt(3) == 0) {
            coverage.saw(Condition.BATCH_LATE);
            return Fault.DELAY;
        } else if (!scenario.has(Event.BATCH_FAULT) || random.nextInt(6) > 0) {
            return Fault.NONE;
        }
        return switch (random.nextInt(5)) {
            case 0 -> fault(Fault.FAIL, Condition.BATCH_FAILED);
            case 1 -> fault(Fault.DELAY_FAIL, Condition.BATCH_FAILED_LATE);
            case 2 -> fault(Fault.HALF_FAIL, Condition.BATCH_HALF_DONE);
            case 3 -> fault(Fault.DONE_FAIL, Condition.BATCH_DONE_FAILED);
            default -> fault(Fault.REFUSE, Condition.BATCH_REFUSED);
        };
    }

    /** Nobody may end by that. */
    private Fault ofTransfer() {
        if (scenario.has(Event.LATE) && random.nextInt(2) == 0) {
            return fault(Fault.DELAY, Condition.TRANSFER_LATE);
        } else if (!scenario.has(Event.SWAP_FAULT) || random.nextInt(4) > 0) {
            return Fault.NONE;
        }
        Fault[] kinds = {Fault.FAIL, Fault.DELAY_FAIL, Fault.HALF_FAIL, Fault.DONE_FAIL, Fault.REFUSE};
        failedTransfers++;
        return fault(kinds[random.nextInt(kinds.length)], Condition.TRANSFER_FAILED);
    }

    private Fault fault(Fault fault, Condition condition) {
        coverage.saw(condition);
        return fault;
    }
}
