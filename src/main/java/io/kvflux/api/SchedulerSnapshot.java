package io.kvflux.api;

import java.util.List;

/**
 * The state of a scheduler at one instant: a copy that does not change.
 *
 * @param sequences every live sequence, in order of submission
 * @param replicas the pool of each replica
 * @param stepsInFlight numbers of the steps handed out whose result is not in, rising
 */
public record SchedulerSnapshot(List<SequenceState> sequences, List<ReplicaState> replicas, List<Long> stepsInFlight) {

    /**
     * Copies the lists.
     *
     * @param sequences every live sequence
     * @param replicas the pool of each replica
     * @param stepsInFlight numbers of steps
     */
    public SchedulerSnapshot {
        sequences = List.copyOf(sequences);
        replicas = List.copyOf(replicas);
        stepsInFlight = List.copyOf(stepsInFlight);
    }

    /**
     * One live sequence.
     *
     * @param id its name
     * @param tenant whose share it counts against
     * @param running whether it holds blocks; if not, it waits
     * @param paused whether only its consumer holds it back
     * @param promptTokens tokens of its prompt
     * @param generatedTokens tokens generated so far; of a fork, those inherited included
     * @param blocks blocks in its table
     */
    public record SequenceState(
            SequenceId id,
            String tenant,
            boolean running,
            boolean paused,
            int promptTokens,
            int generatedTokens,
            int blocks) {}

    /**
     * The blocks of one replica: free + held + cached + withheld = usable. Of one whose memory is lost all are 0.
     *
     * @param usable blocks that can hold KV
     * @param free blocks that hold nothing
     * @param held blocks that sequences hold
     * @param cached blocks that nobody holds and a prompt may hit
     * @param withheld blocks let go that a step in flight may still touch
     */
    public record ReplicaState(int usable, int free, int held, int cached, int withheld) {}
}
