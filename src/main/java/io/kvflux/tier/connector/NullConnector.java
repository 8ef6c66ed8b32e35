package io.kvflux.tier.connector;

import io.kvflux.geometry.KvConnectorType;
import io.kvflux.memory.SlotArena;
import io.kvflux.tier.Transfer;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Carries nothing: what leaves a device is lost. */
public final class NullConnector implements Connector {

    /** A connector that carries nothing. */
    public NullConnector() {}

    @Override
    public KvConnectorType type() {
        return KvConnectorType.NULL;
    }

    @Override
    public @Nullable SlotArena hostMemory() {
        return null;
    }

    @Override
    public int storeSlots() {
        return 0;
    }

    @Override
    public void forEachStored(StoredPages pages) {}

    @Override
    public void begin(Transfer transfer, Listener listener) {
        throw new IllegalStateException("there is nowhere to copy to, connector=NULL, " + transfer);
    }

    @Override
    public void erase(List<Integer> storeSlots, Consumer<@Nullable Throwable> erased) {
        throw new IllegalStateException("there is no store, connector=NULL, storeSlots=" + storeSlots);
    }

    @Override
    public void close() {}
}
