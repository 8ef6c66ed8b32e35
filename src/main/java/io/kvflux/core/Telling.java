package io.kvflux.core;

import io.kvflux.api.DraftContext;
import io.kvflux.api.FinishReason;
import io.kvflux.tier.Transfer;
import org.jspecify.annotations.Nullable;

/** Tells the listener what happens. While it hears something the core takes no calls, and none any more once it has thrown. */
final class Telling {

    private final SchedulerListener listener;
    private boolean busy;

    Telling(SchedulerListener listener) {
        this.listener = listener;
    }

    void requireNotBusy() {
        if (busy) {
            throw new IllegalStateException(
                    "a listener must not call back into the core from a signal of its own, nor throw");
        }
    }

    void admitted(Sequence sequence, int hitTokens, int hostTokens) {
        busy = true;
        listener.admitted(sequence.id, sequence.replica, hitTokens, hostTokens);
        busy = false;
    }

    void transfer(Transfer transfer) {
        busy = true;
        listener.transfer(transfer);
        busy = false;
    }

    void erase(int diskSlot) {
        busy = true;
        listener.erase(diskSlot);
        busy = false;
    }

    /** Which may happen while something else is told. */
    void emptied(int replica, int block) {
        boolean outer = busy;
        busy = true;
        listener.emptied(replica, block);
        busy = outer;
    }

    void preempted(Sequence sequence) {
        busy = true;
        listener.preempted(sequence.id);
        busy = false;
    }

    /** More drafts are wanted; from a drafter that begins at the tokens known now, if it is fresh. */
    void draftsWanted(Sequence sequence, boolean fresh, int demand) {
        busy = true;
        if (fresh) {
            listener.draft(new DraftContext(sequence.id, sequence.spec, sequence.tokens, sequence.length), demand);
        } else {
            listener.draftMore(sequence.id, demand);
        }
        busy = false;
    }

    void draftsUnwanted(Sequence sequence) {
        busy = true;
        listener.draftNoMore(sequence.id);
        busy = false;
    }

    /** The newest token of a sequence. */
    void token(Sequence sequence, int token) {
        busy = true;
        listener.token(sequence.id, sequence.generated() - 1, token);
        busy = false;
    }

    void finished(Sequence sequence, FinishReason reason, @Nullable Throwable cause) {
        busy = true;
        listener.finished(sequence.id, reason, cause);
        busy = false;
    }
}
