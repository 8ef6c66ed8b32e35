package io.kvflux;

import io.kvflux.core.SchedulerCore;
import io.kvflux.tier.Transfer;
import org.jspecify.annotations.Nullable;

/**
 * Replicas whose memory is lost. Nobody tells of a loss, so it is asked for whenever something failed; of the loop.
 */
final class Losses {

    private final Shell shell;
    private final SchedulerCore core;
    private final @Nullable Throwable[] causes;

    Losses(Shell shell, SchedulerCore core, int replicas) {
        this.shell = shell;
        this.core = core;
        causes = new Throwable[replicas];
    }

    /** Something failed: if memory was lost, who ran there ends, and with the last replica everybody. True if it was. */
    boolean look() {
        StepMemory memory = shell.memory;
        if (memory == null) {
            return false;
        }
        boolean any = false;
        Throwable last = null;
        for (int replica = 0; replica < causes.length; replica++) {
            Throwable cause = causes[replica] == null ? memory.arenas().loss(replica) : null;
            if (cause != null) {
                causes[replica] = cause;
                memory.lose(replica);
                core.loseReplica(replica, cause);
                shell.replicaLost(replica, cause);
                last = cause;
                any = true;
            }
        }
        if (last != null && core.replicasLeft() == 0) {
            shell.stop(last);
        }
        return any;
    }

    /** Why a transfer cannot be carried out any more; null if it can. */
    @Nullable
    Throwable of(Transfer transfer) {
        return transfer.direction().isOfStore() ? null : causes[transfer.replica()];
    }
}
