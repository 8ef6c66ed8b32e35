package io.kvflux.core;

import io.kvflux.api.SequenceId;
import io.kvflux.block.BlockCounts;
import io.kvflux.block.BlockTable;
import io.kvflux.draft.DraftLedger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Checks a core as a whole, pools included. The rules are those of docs/invariants.md. */
final class CoreVerifier {

    private final SchedulerConfig config;
    private final Replica[] replicas;
    private final WaitingQueue queue;
    private final Map<SequenceId, Sequence> live;
    private final SchedulerCore core;

    CoreVerifier(
            SchedulerConfig config,
            Replica[] replicas,
            WaitingQueue queue,
            Map<SequenceId, Sequence> live,
            SchedulerCore core) {
        this.config = config;
        this.replicas = replicas;
        this.queue = queue;
        this.live = live;
        this.core = core;
    }

    void verify() {
        int running = 0;
        for (Replica replica : replicas) {
            List<BlockTable> tables = new ArrayList<>();
            int claiming = 0;
            int suspending = 0;
            for (Sequence sequence : replica.running) {
                require(sequence.state == Sequence.State.RUNNING, "who is listed as running runs", sequence);
                require(sequence.replica == replica.index, "a sequence runs on its replica", sequence);
                require(live.get(sequence.id) == sequence, "who runs is live", sequence);
                tables.add(sequence.table);
                claiming += sequence.claimed > 0 ? 1 : 0;
                suspending += sequence.suspending ? 1 : 0;
                running++;
            }
            require(replica.claiming == claiming, "claiming counts those that bring something back", replica.claiming);
            require(
                    replica.suspending == suspending,
                    "suspending counts those that are to give up",
                    replica.suspending);
            replica.pool.verify(tables);
            int copying = 0;
            for (int block = 1; block <= config.blocksPerReplica(); block++) {
                copying += replica.pool.isCopying(block) ? 1 : 0;
            }
            require(replica.copying == copying, "copying counts the blocks withheld for a copy", replica.copying);
            if (replica.lost) {
                verifyLost(replica);
            }
        }
        int waiting = 0;
        Map<Sequence, Integer> sampling = pendingTokens();
        long drafts = draftsInFlight();
        for (Sequence sequence : live.values()) {
            waiting += sequence.state == Sequence.State.WAITING ? 1 : 0;
            check(sequence, sampling.getOrDefault(sequence, 0));
            drafts += unissued(sequence);
        }
        checkDrafts(drafts);
        require(running + waiting == live.size(), "every live sequence runs or waits", live.size());
        require(waiting == queue.size(), "the queue holds those that wait", queue.size());
        if (core.tiers() != null) {
            core.tiers().verify();
        }
    }

    /** Nobody runs on a lost replica, nothing is found there, and no step in flight counts for it. */
    private void verifyLost(Replica replica) {
        BlockCounts pool = replica.pool;
        require(replica.running.isEmpty(), "nobody runs on a lost replica", replica.index);
        require(
                pool.heldBlocks() + pool.cachedBlocks() + pool.indexedRuns() == 0,
                "a lost replica has no content",
                replica.index);
        for (int age = 0; age < core.stepsInFlight(); age++) {
            EntryList part = core.inFlight(age).parts[replica.index];
            for (int i = 0; i < part.size; i++) {
                require(part.voided[i], "what a lost replica computes counts for nothing", part.sequences[i]);
            }
        }
    }

    private void checkDrafts(long inFlight) {
        DraftLedger ledger = core.drafts();
        if (ledger != null) {
            ledger.verify();
            require(
                    ledger.inFlight() == inFlight,
                    "drafts in flight are ahead or are being verified",
                    ledger.inFlight());
            for (Sequence sequence : live.values()) {
                SequenceDrafts own = Objects.requireNonNull(sequence.drafts);
                require(
                        own.credits.inFlight() == unissued(sequence) + own.verifying,
                        "credits of a sequence are of drafts that are being verified or may be later",
                        sequence);
                if (own.stream != null) {
                    check(sequence, own.stream);
                }
            }
        }
    }

    /** Drafts that were granted and that no entry verifies. */
    private static int unissued(Sequence sequence) {
        SequenceDrafts own = sequence.drafts;
        return own == null ? 0 : own.stream == null || !own.streams ? own.ahead : own.stream.unissued;
    }

    private void check(Sequence sequence, DraftStream stream) {
        int verifying = 0;
        for (int age = 0; age < core.stepsInFlight(); age++) {
            for (EntryList part : core.inFlight(age).parts) {
                for (int i = 0; i < part.size; i++) {
                    boolean its = part.sequences[i] == sequence && part.streams[i] == stream.number && !part.voided[i];
                    verifying += its ? part.drafts[i] : 0;
                }
            }
        }
        require(stream.verifying == verifying, "drafts of a stream that are being verified are counted", sequence);
        if (stream.isGone()) {
            require(!stream.open && stream.unissued == 0, "nothing is wanted of a stream that is gone", sequence);
            return;
        }
        require(sequence.state == Sequence.State.RUNNING, "who waits has no drafter", sequence);
        require(
                stream.arrived <= stream.wanted && sequence.length <= stream.wanted,
                "a drafter is asked for what is not known",
                sequence);
        require(
                stream.unissued + verifying == stream.wanted - Math.min(stream.arrived, sequence.length),
                "what a drafter was asked for is known, being verified or in flight",
                sequence);
        require(
                sequence.ahead() == Math.max(0, stream.wanted - sequence.next())
                        && sequence.ahead() <= config.caches().numDraftTokens(),
                "drafts beyond the next token are ahead, a round's at most",
                sequence);
    }

    /** Drafts that entries in flight verify, of sequences that have ended too. */
    private long draftsInFlight() {
        long drafts = 0;
        for (int age = 0; age < core.stepsInFlight(); age++) {
            for (EntryList part : core.inFlight(age).parts) {
                for (int i = 0; i < part.size; i++) {
                    drafts += part.voided[i] ? 0 : part.drafts[i];
                }
            }
        }
        return drafts;
    }

    private Map<Sequence, Integer> pendingTokens() {
        Map<Sequence, Integer> sampling = new HashMap<>();
        for (int age = 0; age < core.stepsInFlight(); age++) {
            for (EntryList part : core.inFlight(age).parts) {
                for (int i = 0; i < part.size; i++) {
                    boolean counts = part.samples[i] && !part.voided[i];
                    sampling.merge(part.sequences[i], counts ? 1 + part.drafts[i] : 0, Integer::sum);
                }
            }
        }
        return sampling;
    }

    private void check(Sequence sequence, int sampling) {
        require(sequence.pending == sampling, "pending counts the tokens that steps in flight may give", sequence);
        if (sequence.state == Sequence.State.WAITING) {
            require(queue.contains(sequence), "who waits is in the queue", sequence);
            require(queue.isParked(sequence) != sequence.wanted(), "who waits for its consumer is parked", sequence);
            require(!sequence.table.isOpen(), "who waits holds no block", sequence);
            require(sequence.ahead() == 0, "who waits has no drafts ahead", sequence);
            require(sequence.settled(), "who waits brings nothing back and gives nothing up", sequence);
            return;
        }
        require(
                sequence.computed <= sequence.scheduled && sequence.scheduled < sequence.length + sequence.pending,
                "computed <= scheduled < length + pending",
                sequence);
        require(
                sequence.prefilling() || sequence.scheduled + 1 == sequence.length + sequence.pending,
                "after its prefill only the last token of a sequence has no KV",
                sequence);
        int size = sequence.table.size();
        int needed = replicas[sequence.replica].blocks(sequence.scheduled + sequence.ahead());
        int loading = sequence.reserved ? sequence.claimed : 0;
        require(
                size == needed + loading,
                "a sequence holds the blocks of its scheduled tokens, its drafts ahead and those that are brought back, needed="
                        + needed,
                sequence);
        require(
                sequence.loading == null || sequence.loading.sequence == sequence,
                "what is brought back knows for whom",
                sequence);
        require(
                sequence.fetching == null || sequence.fetching.sequence == sequence,
                "what is brought from the disk knows for whom",
                sequence);
        int full = config.prefixCaching() ? sequence.computed / config.pageSize() : 0;
        require(sequence.table.committed() == full, "computed full pages are committed, full=" + full, sequence);
    }

    private static void require(boolean condition, String rule, Sequence sequence) {
        if (!condition) {
            throw new IllegalStateException("invariant broken: " + rule + ", " + sequence);
        }
    }

    private static void require(boolean condition, String rule, int value) {
        if (!condition) {
            throw new IllegalStateException("invariant broken: " + rule + ", but it is " + value);
        }
    }
}
