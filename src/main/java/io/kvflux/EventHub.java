package io.kvflux;

import io.kvflux.api.BlockEvent;
import io.kvflux.core.SchedulerCore;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Numbers block events and gives them to all who listen; of the loop. The core makes them only while somebody does. */
final class EventHub {

    private final SchedulerCore core;
    private final long epoch = new SecureRandom().nextLong();
    private final List<EventFlow> listeners = new ArrayList<>();
    private long number;
    private boolean ended;
    private @Nullable Throwable failure;

    EventHub(SchedulerCore core) {
        this.core = core;
    }

    void open(EventFlow flow) {
        if (ended) {
            flow.end(failure);
            return;
        }
        List<BlockEvent.Stored> content = core.startBlockEvents(number, () -> ++number, this::publish);
        listeners.add(flow);
        flow.publish(new BlockEvent.Snapshot(number, epoch, content));
    }

    void close(EventFlow flow) {
        if (listeners.remove(flow) && listeners.isEmpty() && !ended) {
            core.stopBlockEvents();
        }
    }

    void end(@Nullable Throwable cause) {
        if (!ended) {
            ended = true;
            failure = cause;
            listeners.forEach(flow -> flow.end(cause));
            listeners.clear();
        }
    }

    private void publish(BlockEvent event) {
        for (int i = 0; i < listeners.size(); i++) {
            listeners.get(i).publish(event);
        }
    }
}
