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
            DraftFlow flow = new DraftFlow(shell, run.drafter, context);
            flows.put(context.sequence(), flow);
            flow.want(demand);
            lanes.offer(flow);
        }
    }

    void more(SequenceId id, int demand) {
        DraftFlow flow = flows.get(id);
        if (flow != null) {
            flow.want(demand);
            lanes.offer(flow);
        }
    }

    void noMore(SequenceId id) {
        DraftFlow flow = flows.remove(id);
        if (flow != null) {
            flow.leave();
            lanes.offer(flow);
        }
    }

    /** Whether drafts of a flow are still wanted. */
    boolean isLive(DraftFlow flow) {
        return flows.get(flow.sequence()) == flow;
    }

    /** A flow brings nothing more, by itself. */
    void over(DraftFlow flow, @Nullable Throwable cause) {
        flows.remove(flow.sequence());
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
