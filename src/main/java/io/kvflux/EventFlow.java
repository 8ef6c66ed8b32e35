package io.kvflux;

import io.kvflux.api.BlockEvent;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.concurrent.Queues;

/** One subscription of block events, with the events it has not asked for yet. */
final class EventFlow extends Feed<BlockEvent> {

    /** Events are lost that no notice tells of yet. */
    private volatile boolean behind;

    // Of the loop.
    private boolean entered;
    private long lost;
    private long lastLost;

    EventFlow(Shell shell, CoreSubscriber<? super BlockEvent> subscriber) {
        super(
                shell,
                shell.clients,
                subscriber,
                Queues.<BlockEvent>get(shell.settings.eventBuffer()).get());
    }

    @Override
    void run() {
        if (isCancelled() || badRequest() != null) {
            shell.events.close(this);
            shell.clients.offer(this);
        } else if (!entered) {
            entered = true;
            shell.events.open(this);
        } else {
            tellLoss();
        }
    }

    /** The first one names all that is cached. */
    @Override
    boolean isLong() {
        return !entered;
    }

    @Override
    void abort(Throwable cause) {
        end(cause);
    }

    /** On the loop. */
    void publish(BlockEvent event) {
        tellLoss();
        if (lost > 0 || !queue.offer(event)) {
            lost++;
            lastLost = event.number();
            behind = true;
        }
        shell.clients.offer(this);
    }

    /** On the loop. */
    void end(@Nullable Throwable cause) {
        close(cause);
        shell.clients.offer(this);
    }

    private void tellLoss() {
        if (lost > 0 && queue.offer(new BlockEvent.Dropped(lastLost, lost))) {
            lost = 0;
            behind = false;
            shell.clients.offer(this);
        }
    }

    @Override
    boolean nothingLeft() {
        return super.nothingLeft() && !behind;
    }

    @Override
    void pausing() {
        if (behind && isWaiting()) {
            shell.loop.raise(this); // there is room for the notice now
        }
    }
}
