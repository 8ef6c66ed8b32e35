package io.kvflux.core;

import io.kvflux.draft.DraftLedger;
import java.util.Collection;
import java.util.Objects;

/**
 * Drafts that a drafter brings while steps run, each a guess of the token at the next position of its sequence. What it
 * brings for positions beyond the next is verified by the sequence's next entry; what comes for a position that a step
 * samples itself only shows whether the drafter is still right. Once it is not, its stream ends, and the next one begins
 * at the tokens known by then.
 */
final class DraftStreams {

    private final SchedulerConfig config;
    private final Telling telling;
    private final Drafts drafts;
    private final DraftLedger ledger;
    private final Replica[] replicas;
    private final int positions;

    private boolean on;

    DraftStreams(SchedulerConfig config, Telling telling, Drafts drafts, Replica[] replicas) {
        this.config = config;
        this.telling = telling;
        this.drafts = drafts;
        ledger = drafts.ledger();
        this.replicas = replicas;
        positions = (config.maxStepsInFlight() + 1) * (ledger.maxPerRound() + 1);
    }

    /** Whether there is a drafter. */
    boolean on() {
        return on;
    }

    /** The drafter leaves, or one comes, to which nothing is known of what sequences another failed with. */
    void turn(boolean present, Collection<Sequence> sequences) {
        on = present;
        for (Sequence sequence : sequences) {
            end(sequence);
            own(sequence).muted = false;
        }
    }

    /** Drafts that the next entry of a sequence may verify. */
    int ready(Sequence sequence) {
        DraftStream stream = own(sequence).stream;
        return stream == null ? 0 : Math.max(0, stream.arrived - sequence.next());
    }

    /** An entry was issued, whose tokens the sequence counts already. */
    void issued(Sequence sequence, int drafts) {
        SequenceDrafts own = own(sequence);
        own.verifying += drafts;
        if (own.stream != null) {
            own.stream.verifying += drafts;
            own.stream.unissued -= drafts;
            own.ahead = ahead(sequence, own.stream);
        }
    }

    /**
     * Asks for more drafts, so that so many are ahead of the next entry; and for those before them, at positions that steps
     * in flight sample themselves. A drafter that is behind is asked for no more, and none begins while drafts of the one
     * before it are being verified: what is next would move under it when they are rejected.
     *
     * @return drafts ahead
     */
    int give(Sequence sequence, int wanted) {
        SequenceDrafts own = own(sequence);
        if (own.stream == null) {
            own.stream = new DraftStream(positions);
        }
        DraftStream stream = own.stream;
        boolean fresh = stream.isGone();
        boolean waits = fresh ? own.muted || own.verifying > 0 : !stream.open || stream.arrived < sequence.length;
        int from = fresh ? sequence.length : stream.wanted;
        int late = Math.max(0, sequence.next() - from);
        if (!waits) {
            int before = from + late - sequence.next();
            int more = withRoom(sequence, before, Math.min(wanted - before, ledger.room() - late));
            if (more > 0) {
                ledger.catchUp(own.credits, late);
                ledger.grant(own.credits, more);
                ask(sequence, stream, fresh, late + more);
                return own.ahead;
            }
        }
        if (own.ahead == 0) {
            ledger.grant(own.credits, 0);
        }
        return own.ahead;
    }

    /** Of more drafts those that have their slots. */
    private int withRoom(Sequence sequence, int before, int more) {
        Replica replica = replicas[sequence.replica];
        int extra = replica.blocks(sequence.scheduled + before + more) - sequence.table.size();
        if (more <= 0 || extra <= 0 || drafts.grow(replica, sequence, extra)) {
            return more;
        }
        return sequence.table.size() * config.pageSize() - sequence.scheduled - before;
    }

    private void ask(Sequence sequence, DraftStream stream, boolean fresh, int demand) {
        stream.unissued += demand;
        if (fresh) {
            stream.open = true;
            stream.arrived = sequence.length;
            stream.wanted = sequence.length + demand;
        } else {
            stream.wanted += demand;
        }
        own(sequence).ahead = ahead(sequence, stream);
        telling.draftsWanted(sequence, fresh, demand);
    }

    /** The drafter brought the draft of its next position; false if it was not asked for. */
    boolean brought(Sequence sequence, int id) {
        SequenceDrafts own = own(sequence);
        DraftStream stream = own.stream;
        if (stream == null || !stream.open || stream.arrived == stream.wanted) {
            return false;
        }
        int position = stream.arrived;
        stream.bring(id);
        if (position < sequence.length && !resolve(sequence, stream, position)) {
            end(sequence, stream);
        }
        return true;
    }

    /** The drafter brings no more, by itself. */
    void ended(Sequence sequence, boolean failed) {
        SequenceDrafts own = own(sequence);
        own.muted |= failed;
        if (own.stream != null && own.stream.open) {
            own.stream.open = false;
            cut(sequence, own.stream.arrived);
        }
    }

    /**
     * Tokens of a sequence became known by an entry, whose credits are back.
     *
     * @param from the first position that is new
     */
    void answered(Sequence sequence, EntryList part, int entry, int from, int accepted) {
        SequenceDrafts own = own(sequence);
        DraftStream stream = own.stream;
        if (stream == null) {
            return;
        }
        int drafts = part.drafts[entry];
        boolean itsOwn = drafts > 0 && part.streams[entry] == stream.number;
        int position = from;
        if (itsOwn) {
            stream.verifying -= drafts;
            position += drafts;
        }
        boolean right = !itsOwn || accepted == drafts;
        while (right && position < Math.min(sequence.length, stream.arrived)) {
            right = resolve(sequence, stream, position++);
        }
        boolean late = right && stream.open && stream.wanted <= sequence.length && stream.arrived < stream.wanted;
        if (late) {
            own.rates.late();
        }
        if (!right || late || stream.wanted < sequence.length || (!stream.open && stream.wanted == sequence.length)) {
            end(sequence, stream);
        } else {
            fit(sequence, stream);
        }
    }

    /** An entry came to nothing. */
    void lost(Sequence sequence, EntryList part, int entry) {
        DraftStream stream = own(sequence).stream;
        if (stream != null && part.streams[entry] == stream.number) {
            stream.verifying -= part.drafts[entry];
        }
    }

    /** The drafter is not asked any more; of what it brought only positions before the end stay. */
    void cut(Sequence sequence, int end) {
        DraftStream stream = Objects.requireNonNull(own(sequence).stream);
        int kept = Math.min(stream.arrived, end);
        dropped(sequence, stream, stream.wanted - kept);
        stream.arrived = kept;
        stream.wanted = kept;
        close(sequence, stream);
        if (kept <= sequence.length) {
            end(sequence, stream);
        } else {
            fit(sequence, stream);
        }
    }

    /** Nothing of what is not being verified is wanted any more. */
    void end(Sequence sequence) {
        DraftStream stream = own(sequence).stream;
        if (stream != null && !stream.isGone()) {
            end(sequence, stream);
        }
    }

    private void end(Sequence sequence, DraftStream stream) {
        dropped(sequence, stream, stream.unissued);
        stream.number++;
        stream.verifying = 0;
        stream.arrived = 0;
        stream.wanted = 0;
        close(sequence, stream);
        fit(sequence, stream);
    }

    private void close(Sequence sequence, DraftStream stream) {
        if (stream.open) {
            stream.open = false;
            telling.draftsUnwanted(sequence);
        }
    }

    /** The token at a position is known, and what was drafted for it: whether they are the same. */
    private boolean resolve(Sequence sequence, DraftStream stream, int position) {
        dropped(sequence, stream, 1);
        return stream.id(position) == sequence.tokens[position];
    }

    private void dropped(Sequence sequence, DraftStream stream, int credits) {
        ledger.aborted(own(sequence).credits, credits);
        stream.unissued -= credits;
    }

    private void fit(Sequence sequence, DraftStream stream) {
        int ahead = ahead(sequence, stream);
        own(sequence).ahead = ahead;
        if (sequence.table.isOpen()) {
            Replica replica = replicas[sequence.replica];
            replica.pool.shrink(sequence.table, replica.blocks(sequence.scheduled + ahead));
        }
    }

    private static int ahead(Sequence sequence, DraftStream stream) {
        return Math.max(0, stream.wanted - sequence.next());
    }

    private static SequenceDrafts own(Sequence sequence) {
        return Objects.requireNonNull(sequence.drafts);
    }
}
