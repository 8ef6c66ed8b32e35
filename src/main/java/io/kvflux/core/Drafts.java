package io.kvflux.core;

import io.kvflux.api.StepResult;
import io.kvflux.block.BlockPool;
import io.kvflux.draft.AcceptanceRates;
import io.kvflux.draft.DraftLedger;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.draft.DraftRound;
import io.kvflux.draft.StepCosts;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the core does about drafts: it decides how many are verified and granted in a step, takes what became of them, and
 * has them give way before anybody is preempted. Whatever is granted has its slots in the table of its sequence.
 */
final class Drafts {

    /** Tenants whose acceptance is remembered; of more, the one that has not been heard of for longest goes. */
    private static final int MOST_TENANTS = 1024;

    private final SchedulerConfig config;
    private final Replica[] replicas;
    private final WaitingQueue queue;
    private final @Nullable Swapper swapper;
    private final DraftLedger ledger;
    private final DraftRound round;
    private final DraftPolicy[] policies;
    private final StepCosts costs = new StepCosts();
    private final AcceptanceRates everybody;
    private final DraftStreams streams;
    private final Map<String, AcceptanceRates> tenants = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, AcceptanceRates> eldest) {
            return size() > MOST_TENANTS;
        }
    };

    /** Of the plan of one replica: tokens that its drafts may still take, and blocks that are needed without drafts. */
    private int tokensLeft;

    private int plainBlocks;
    /** Entries of the round, in its order. */
    private int[] entries = new int[16];

    Drafts(SchedulerConfig config, Telling telling, Replica[] replicas, WaitingQueue queue, @Nullable Swapper swapper) {
        this.config = config;
        policies = new DraftPolicy[replicas.length];
        Arrays.setAll(policies, any -> config.draftPolicy().get());
        this.replicas = replicas;
        this.queue = queue;
        this.swapper = swapper;
        int most = config.caches().numDraftTokens();
        ledger = new DraftLedger(most, config.maxInFlightDraftTokens());
        round = new DraftRound(most);
        everybody = new AcceptanceRates(most);
        streams = new DraftStreams(config, telling, this, replicas);
    }

    DraftLedger ledger() {
        return ledger;
    }

    DraftStreams streams() {
        return streams;
    }

    void enter(Sequence sequence) {
        AcceptanceRates tenant = tenants.computeIfAbsent(sequence.tenant, any -> everybody.part());
        sequence.drafts = new SequenceDrafts(tenant.part());
    }

    // ---- verifying

    /** The plan of a replica begins: what is needed without drafts comes first, tokens and blocks. */
    void begin(Replica replica) {
        int decodes = 0;
        boolean prefills = queue.size() > 0;
        for (int i = 0; i < replica.running.size(); i++) {
            prefills |= replica.running.get(i).prefilling();
            decodes += decodes(replica.running.get(i)) ? 1 : 0;
        }
        tokensLeft = tokensBeside(decodes, prefills);
        plainBlocks = plainBlocks(replica);
        giveWay(replica, plainBlocks);
    }

    /** Blocks that those who run need without drafts: for the next token, for the rest of a prompt, for what is brought back. */
    private static int plainBlocks(Replica replica) {
        int blocks = replica.unmetBlocks();
        for (int i = 0; i < replica.running.size(); i++) {
            Sequence sequence = replica.running.get(i);
            blocks += decodes(sequence) ? plainPages(replica, sequence) - sequence.table.size() : 0;
        }
        return blocks;
    }

    private static boolean decodes(Sequence sequence) {
        return sequence.placeable() && !sequence.prefilling();
    }

    private int tokensBeside(int decodes, boolean prefills) {
        int left = config.maxBatchTokens() - Math.min(decodes, config.maxBatchSize());
        return Math.max(0, prefills ? left - config.minChunkTokens() : left);
    }

    /** Pages of a sequence with its next token. */
    private static int plainPages(Replica replica, Sequence sequence) {
        return Math.max(sequence.table.size(), replica.blocks(sequence.scheduled + 1));
    }

    /**
     * How many drafts a decode that is placed now verifies; the others are dropped. A page that only drafts need is taken at
     * once, and only where the watermark is left, and what others need without drafts.
     */
    int toVerify(Replica replica, Sequence sequence) {
        SequenceDrafts own = own(sequence);
        int plain = sequence.scheduled + 1;
        int pages = plainPages(replica, sequence);
        plainBlocks -= pages - sequence.table.size();
        int drafts = Math.min(own.streams ? streams.ready(sequence) : own.ahead, tokensLeft);
        if (!replica.hasRoomFor(1 + drafts, plain + drafts)) {
            drafts = Math.min(drafts, slotsAfter(replica.blocks(plain), plain));
        }
        int inPages = slotsAfter(pages, plain);
        if (drafts > inPages && !open(replica, sequence, plain + drafts)) {
            drafts = inPages;
        }
        tokensLeft -= drafts;
        if (!own.streams) {
            ledger.aborted(own.credits, own.ahead - drafts);
            own.ahead = drafts;
            replica.pool.shrink(sequence.table, Math.min(sequence.table.size(), replica.blocks(plain + drafts)));
        }
        return drafts;
    }

    /** Gets the pages for a context that drafts make longer. */
    private boolean open(Replica replica, Sequence sequence, int context) {
        BlockPool pool = replica.pool;
        int extra = replica.blocks(context) - sequence.table.size();
        return pool.availableBlocks() - plainBlocks - extra >= config.watermarkBlocks()
                && grow(replica, sequence, extra);
    }

    boolean grow(Replica replica, Sequence sequence, int extra) {
        return (swapper == null || swapper.makeRoom(replica, extra)) && replica.pool.grow(sequence.table, extra);
    }

    private int slotsAfter(int pages, int tokens) {
        return pages * config.pageSize() - tokens;
    }

    /** An entry was issued, whose tokens its sequence counts already. */
    void issued(Sequence sequence, int drafts) {
        SequenceDrafts own = own(sequence);
        if (own.streams) {
            streams.issued(sequence, drafts);
            return;
        }
        own.ahead -= drafts;
        own.verifying += drafts;
    }

    // ---- granting

    /** Grants the drafts of the next round to all that a step samples for. */
    void grant(StepPlan plan) {
        for (Replica replica : replicas) {
            EntryList part = plan.parts[replica.index];
            if (part.size > 0) {
                grant(replica, part, plan.number());
            }
        }
    }

    private void grant(Replica replica, EntryList part, long step) {
        if (entries.length < part.size) {
            entries = new int[2 * part.size];
        }
        BlockPool pool = replica.pool;
        int free = pool.availableBlocks();
        int others = plainBlocks(replica);
        int left = tokensBeside(replica.running.size(), queue.size() > 0 || part.prefill[part.size - 1]);
        int budget = streams.on() ? left : Math.min(left, ledger.room()); // who streams has credits for a part already
        round.reset(config.pageSize(), budget, free, free - others, config.watermarkBlocks());
        tellOfPrompts(part);
        int first = (int) (step % part.size); // where there is not enough for all they take turns
        for (int i = 0; i < part.size; i++) {
            int entry = first + i < part.size ? first + i : first + i - part.size;
            if (part.samples[entry]) {
                Sequence sequence = part.sequences[entry];
                SequenceDrafts own = own(sequence);
                entries[round.size()] = entry;
                round.add(
                        limit(replica, sequence),
                        slotsAfter(sequence.table.size(), sequence.scheduled),
                        own.rates,
                        own.credits.roundsSinceDraft());
            }
        }
        policies[replica.index].decide(round, costs);
        for (int i = 0; i < round.size(); i++) {
            left -= give(replica, part, entries[i], Math.min(left, round.grant(i)));
        }
    }

    private void tellOfPrompts(EntryList part) {
        int tokens = 0;
        int prompts = 0;
        for (int i = 0; i < part.size; i++) {
            tokens += part.prefill[i] ? part.counts[i] : 0;
            prompts += part.prefill[i] ? 1 : 0;
        }
        round.prompts(tokens, prompts, queue.size() > 0);
    }

    /** Drafts that the next entry of a sequence may verify: its consumer, its token limit and its replica allow one more. */
    private int limit(Replica replica, Sequence sequence) {
        long slots = (long) replica.pool.usableBlocks() * config.pageSize() - sequence.scheduled - 1;
        return (int) Math.max(0, Math.min(ledger.maxPerRound(), Math.min(slots, sequence.unsampled() - 1)));
    }

    private int give(Replica replica, EntryList part, int entry, int wanted) {
        Sequence sequence = part.sequences[entry];
        SequenceDrafts own = own(sequence);
        if (own.streams != streams.on() && own.credits.inFlight() == 0) {
            own.streams = streams.on();
        }
        if (own.streams || streams.on()) {
            int ahead = own.streams && streams.on() ? streams.give(sequence, wanted) : own.ahead;
            part.grant(entry, 0);
            return ahead;
        }
        int drafts = Math.min(wanted, ledger.room());
        int extra = replica.blocks(sequence.scheduled + drafts) - sequence.table.size();
        if (extra > 0 && !grow(replica, sequence, extra)) {
            drafts = slotsAfter(sequence.table.size(), sequence.scheduled);
        }
        own.ahead = ledger.grant(own.credits, drafts);
        part.grant(entry, own.ahead);
        return own.ahead;
    }

    // ---- results

    /** Why an entry fails; null if it does not. */
    @Nullable
    Throwable failure(EntryList part, int entry, StepResult result, int at) {
        Throwable failure = result.failure(at);
        if (failure != null || part.drafts[entry] == 0 || result.accepted(at) <= known(part, entry)) {
            return failure;
        }
        return new IllegalArgumentException("only drafts that were made can be accepted, sequence="
                + part.sequences[entry].id + ", step=" + result.step() + ", made=" + known(part, entry) + ", accepted="
                + result.accepted(at));
    }

    /** Drafts that an entry verifies: those it has room for and that were made. */
    private static int known(EntryList part, int entry) {
        int drafts = part.drafts[entry];
        return part.streams[entry] > 0 ? drafts : Math.min(drafts, own(part.sequences[entry]).made);
    }

    /**
     * Takes what an entry says of drafts, whose tokens have been taken. What is not needed comes back: credits of drafts that
     * were not made, slots of those that were rejected.
     *
     * @param from the first position whose token it gave
     * @param newest whether nothing of its sequence was issued, nor taken from it, since
     */
    void answered(EntryList part, int entry, StepResult result, int at, int from, boolean newest) {
        Sequence sequence = part.sequences[entry];
        SequenceDrafts own = own(sequence);
        int drafts = part.drafts[entry];
        int accepted = drafts == 0 ? 0 : result.accepted(at);
        if (drafts > 0) {
            int known = known(part, entry);
            ledger.verified(own.credits, accepted, known - accepted);
            ledger.aborted(own.credits, drafts - known);
            own.verifying -= drafts;
            own.rates.examined(known, accepted);
        }
        own.made = result.draftCount(at);
        for (int i = 0; i < own.made; i++) {
            own.ids[i] = result.draftAt(at, i);
        }
        if (part.epochs[entry] == sequence.epoch) {
            sequence.scheduled -= drafts - accepted;
            if (own.streams) {
                streams.answered(sequence, part, entry, from, accepted);
            } else {
                keep(sequence, newest ? Math.min(own.ahead, own.made) : own.ahead);
            }
        } else {
            queue.unpark(sequence); // its consumer and its limit may leave room for more than could be accepted
        }
    }

    /** An entry came to nothing. */
    void lost(EntryList part, int entry) {
        Sequence sequence = part.sequences[entry];
        SequenceDrafts own = own(sequence);
        ledger.aborted(own.credits, part.drafts[entry]);
        own.verifying -= part.drafts[entry];
        streams.lost(sequence, part, entry);
    }

    /** A step took so long. A step is as long as the part of its slowest replica. */
    void took(StepPlan plan, double seconds) {
        int most = 0;
        int depth = 0;
        for (EntryList part : plan.parts) {
            int tokens = 0;
            for (int i = 0; i < part.size; i++) {
                tokens += part.counts[i];
                depth = Math.max(depth, part.granted[i]);
            }
            most = Math.max(most, tokens);
        }
        costs.observe(most, depth, seconds);
    }

    // ---- giving way

    /**
     * Somebody needs blocks. If they would be evicted or taken from others below the watermark, drafts that no entry verifies
     * yet give back the pages that they alone hold first.
     */
    void giveWay(Replica replica, int blocks) {
        BlockPool pool = replica.pool;
        if (pool.freeBlocks() >= blocks || pool.availableBlocks() - blocks >= config.watermarkBlocks()) {
            return;
        }
        for (int i = 0; i < replica.running.size(); i++) {
            Sequence sequence = replica.running.get(i);
            int inPages = slotsAfter(replica.blocks(sequence.scheduled), sequence.scheduled);
            if (own(sequence).ahead > inPages) {
                if (own(sequence).streams) {
                    streams.cut(sequence, sequence.next() + inPages);
                } else {
                    keep(sequence, inPages);
                }
            }
        }
    }

    /** A sequence stops: what it was granted and no entry verifies comes back. */
    void abandon(Sequence sequence) {
        if (own(sequence).streams) {
            streams.end(sequence);
        } else if (own(sequence).ahead > 0) {
            keep(sequence, 0);
        }
    }

    /** Of the drafts ahead so many stay, with their slots; a sequence without any keeps those of its tokens. */
    private void keep(Sequence sequence, int ahead) {
        SequenceDrafts own = own(sequence);
        Replica replica = replicas[sequence.replica];
        ledger.aborted(own.credits, own.ahead - ahead);
        own.ahead = ahead;
        replica.pool.shrink(sequence.table, replica.blocks(sequence.scheduled + ahead));
    }

    private static SequenceDrafts own(Sequence sequence) {
        return Objects.requireNonNull(sequence.drafts);
    }
}
