package io.kvflux.block;

import io.kvflux.api.BlockEvent;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Who hears what becomes of the blocks of one pool. */
final class PoolListeners {

    private final Pages pages;
    private final Runs runs;
    private @Nullable ContentLog log;
    private @Nullable ContentListener tiers;
    private @Nullable IntConsumer emptied;

    PoolListeners(Pages pages, Runs runs) {
        this.pages = pages;
        this.runs = runs;
    }

    List<BlockEvent.Stored> startEvents(
            int replica, PrefixHasher hasher, long at, LongSupplier numbers, Consumer<BlockEvent> sink) {
        if (log == null) {
            log = new ContentLog(replica, pages, runs, hasher, numbers, sink);
        }
        return log.content(at);
    }

    void stopEvents() {
        log = null;
    }

    void tiers(ContentListener listener) {
        tiers = listener;
    }

    void onEmptied(@Nullable IntConsumer listener) {
        emptied = listener;
    }

    void stored(BlockTable table, int from, int[] tokens, PageKeys keys) {
        if ((log != null || tiers != null) && from < table.committed) {
            PrefixScope scope = runs.scope(table.run);
            if (log != null) {
                log.stored(scope, table, from, table.committed, tokens, keys);
            }
            if (tiers != null) {
                tiers.stored(scope, table, from, table.committed, tokens, keys);
            }
        }
    }

    void evicted(int block) {
        if (log != null) {
            log.evicted(block);
        }
        if (tiers != null) {
            tiers.evicted(block);
        }
    }

    void cleared(boolean any) {
        if (log != null && any) {
            log.cleared();
        }
        if (tiers != null) {
            tiers.cleared();
        }
    }

    void emptied(int block) {
        if (emptied != null) {
            emptied.accept(block);
        }
    }
}
