package io.kvflux.app;

import io.kvflux.sim.ReplayListener;
import io.kvflux.sim.RequestRow;
import io.kvflux.sim.Tick;
import java.util.List;

/** Tells several listeners, in order. */
record Listeners(List<ReplayListener> all) implements ReplayListener {

    @Override
    public void onRequest(RequestRow row) {
        all.forEach(each -> each.onRequest(row));
    }

    @Override
    public void onTick(Tick tick) {
        all.forEach(each -> each.onTick(tick));
    }

    @Override
    public void onProgress(long ended, long total) {
        all.forEach(each -> each.onProgress(ended, total));
    }
}
