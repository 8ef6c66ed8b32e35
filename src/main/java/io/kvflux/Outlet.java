package io.kvflux;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Something that has signals for one subscriber. It is delivered by one lane at a time:
 *
 * <pre>
 *   IDLE --offer--> QUEUED --lane--> RUNNING --nothing new--> IDLE
 *                     ^                 | offer
 *                     +----- lane ---- AGAIN
 * </pre>
 *
 * What there is to deliver is put in queues that publish with ordered stores, which a later read of the state may overtake;
 * so there is a full fence between the two on both sides: whoever finds the outlet QUEUED may rely on being seen by the
 * delivery that is about to begin.
 */
abstract class Outlet extends Signal {

    private static final VarHandle STATE = Fields.of(MethodHandles.lookup(), "state", int.class);
    private static final int IDLE = 0;
    private static final int QUEUED = 1;
    private static final int RUNNING = 2;
    private static final int AGAIN = 3;

    private volatile int state;

    /** Calls the subscriber with what there is; on a lane, never two at a time. */
    abstract void deliver();

    /** Whether this has to be put in the lanes' queue now. */
    final boolean enqueue() {
        VarHandle.fullFence();
        while (true) {
            int now = state;
            if (now == QUEUED || now == AGAIN) {
                return false;
            }
            if (STATE.compareAndSet(this, now, now == IDLE ? QUEUED : AGAIN)) {
                return now == IDLE;
            }
        }
    }

    final void begin() {
        state = RUNNING;
        VarHandle.fullFence();
    }

    /** Whether this has to be put in the queue again. */
    final boolean end() {
        if (STATE.compareAndSet(this, RUNNING, IDLE)) {
            return false;
        }
        state = QUEUED;
        return true;
    }
}
