package io.kvflux;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Something whose state changed outside the loop and that the loop must look at. A flag rather than an entry in a queue:
 * raising a raised signal adds nothing, so signals are never lost for want of room and cost no memory.
 *
 * <p>Whoever changes the state does so in volatile fields and raises after that; the loop lowers the flag before it looks.
 * So either the loop sees the change, or the flag is raised again.
 */
abstract class Signal {

    private static final VarHandle RAISED = Fields.of(MethodHandles.lookup(), "raised", boolean.class);

    /** The signal below in the loop's stack. */
    @Nullable
    Signal below;

    private volatile boolean raised;

    /** Looks at the state; on the loop. */
    abstract void run();

    /** Whether it may take longer than a caller's thread should be held for. */
    boolean isLong() {
        return false;
    }

    /** The loop is broken and will not run this: ends what waits for it, which then hears the cause; on the loop. */
    void abort(Throwable cause) {}

    /** Whether the flag was down: then the signal has to be put on the stack. */
    final boolean raise() {
        return !raised && RAISED.compareAndSet(this, false, true);
    }

    final void lower() {
        raised = false;
    }
}
