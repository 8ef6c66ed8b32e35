package io.kvflux;

import io.kvflux.api.DraftContext;
import io.kvflux.api.SequenceId;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The drafter, if there is one, and what it was asked for; of the loop. */
final class Drafting {

    /** Where drafters are called, so that one that blocks holds up neither clients nor steps. */
    final Lanes lanes;

    private final Shell shell;
    /** The newest flow of each sequence that has not ended, whatever has become of it. */
    private final Map<SequenceId, DraftFlow> flows = new HashMap<>();

    private @Nullable DrafterRun run;
    private boolean ended;
    private @Nullable Throwable failure;

    Drafting(Shell shell) {
        this.shell = shell;
        lanes = new Lanes(shell.settings.deliverOn(), shell.settings.deliveryLanes());
    }

    void open(DrafterRun next) {
        if (ended) {
            next.end(failure);
        } else if (run != null) {
            next.end(new IllegalStateException("there is one drafter at a time: cancel the other first"));
        } else {
            run = next;
            shell.core.draftBeside(true);
        }
    }

    void close(DrafterRun closed) {
        if (closed == run) {
            run = null;
            if (!ended) {
                shell.core.draftBeside(false);
            }
        }
    }

    void begin(DraftContext context, int demand) {
        if (run != null) {
            DraftFlow before = flows.get(context.sequence());
            DraftFlow flow = new DraftFlow(shell, run.drafter, context, before);
            if (before != null) {
                before.isBefore(flow);
            }
            flows.put(context.sequence(), flow);
            flow.want(demand);
            lanes.offer(flow);
        }
    }

    void more(SequenceId id, int demand) {
        DraftFlow flow = flows.get(id);
        if (flow != null && flow.isLive()) {
            flow.want(demand);
            lanes.offer(flow);
        }
    }

    void noMore(SequenceId id) {
        DraftFlow flow = flows.get(id);
        if (flow != null) {
            flow.leave();
            lanes.offer(flow);
        }
    }

    /** A sequence has ended, which its drafter has been told. */
    void forget(SequenceId id) {
        flows.remove(id);
    }

    /** A flow brings nothing more, by itself. */
    void over(DraftFlow flow, @Nullable Throwable cause) {
        flow.leave();
        lanes.offer(flow);
        shell.core.draftsEnded(flow.sequence(), cause != null);
        if (cause != null) {
            shell.drafterFailed(cause);
        }
    }

    /** Nobody drafts any more. */
    void end(@Nullable Throwable cause) {
        if (ended) {
            return;
        }
        ended = true;
        failure = cause;
        for (DraftFlow flow : flows.values()) {
            flow.leave();
            lanes.offer(flow);
        }
        flows.clear();
        if (run != null) {
            run.end(cause);
        }
    }
}
