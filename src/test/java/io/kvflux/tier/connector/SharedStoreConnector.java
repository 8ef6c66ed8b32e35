package io.kvflux.tier.connector;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.KvConnectorType;
import io.kvflux.memory.SlotArena;
import io.kvflux.tier.Transfer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a connector to a store that machines share looks like, with a map in place of the machines: pages are known by name
 * alone, and a slot of the store is no more than the number under which this scheduler knows one.
 */
public class SharedStoreConnector implements Connector {

    /** The machines: pages by name, those stored last at the end. Survives the connectors to it. */
    public static final class Store {

        private final Map<BlockHash, byte[]> pages = Collections.synchronizedMap(new LinkedHashMap<>());

        /** {@return how many pages there are} */
        public int size() {
            return pages.size();
        }
    }

    private final LocalConnector local;
    private final Store store;
    private final BlockHash[] nameOf;
    private final Set<Object> inFlight = Collections.synchronizedSet(new HashSet<>());
    private volatile boolean closed;

    /**
     * A connector to a store.
     *
     * @param local between devices and host
     * @param store the machines
     * @param storeSlots pages that it wants to be asked for at most
     */
    public SharedStoreConnector(LocalConnector local, Store store, int storeSlots) {
        this.local = local;
        this.store = store;
        nameOf = new BlockHash[storeSlots];
        int slot = 0;
        for (BlockHash name : new ArrayList<>(store.pages.keySet())) {
            if (slot < storeSlots) {
                nameOf[slot++] = name;
            }
        }
    }

    @Override
    public KvConnectorType type() {
        return KvConnectorType.DKV;
    }

    @Override
    public SlotArena hostMemory() {
        return local.hostMemory();
    }

    @Override
    public int storeSlots() {
        return nameOf.length;
    }

    @Override
    public void forEachStored(StoredPages pages) {
        for (int slot = 0; slot < nameOf.length; slot++) {
            if (nameOf[slot] != null) {
                pages.page(slot, nameOf[slot]);
            }
        }
    }

    @Override
    public void begin(Transfer transfer, Listener listener) {
        if (!transfer.direction().isOfStore()) {
            local.begin(transfer, listener);
            return;
        }
        begin(
                () -> {
                    int landed = 0;
                    Throwable failure = null;
                    try {
                        while (landed < transfer.size() && copy(transfer, landed)) {
                            landed++;
                        }
                        failure = landed == transfer.size() ? null : StoreException.notFound(transfer.block(landed));
                    } catch (RuntimeException thrown) {
                        failure = thrown;
                    }
                    inFlight.remove(transfer);
                    listener.ended(transfer, landed, 0, failure);
                },
                transfer);
    }

    private void begin(Runnable work, Object what) {
        if (closed) {
            throw new IllegalStateException("the connector is closed, connector=DKV");
        }
        inFlight.add(what);
        local.workers.store.execute(work);
    }

    private boolean copy(Transfer transfer, int index) {
        int slot = transfer.slot(index);
        BlockHash name = transfer.name(index);
        byte[] page = new byte[(int) hostMemory().slotBytes()];
        if (transfer.direction() == Transfer.Direction.STORE) {
            hostMemory().read(slot, 0, page);
            nameOf[transfer.block(index)] = name;
            store.pages.remove(name);
            store.pages.put(name, page);
            return true;
        }
        byte[] stored = store.pages.get(name);
        if (!name.equals(nameOf[transfer.block(index)]) || stored == null) {
            return false;
        }
        hostMemory().write(slot, 0, stored);
        return true;
    }

    @Override
    public void erase(List<Integer> storeSlots, Consumer<@Nullable Throwable> erased) {
        begin(
                () -> {
                    Throwable failure = null;
                    try {
                        for (int slot : storeSlots) {
                            store.pages.remove(nameOf[slot]);
                            nameOf[slot] = null;
                        }
                    } catch (RuntimeException thrown) {
                        failure = thrown;
                    }
                    inFlight.remove(storeSlots);
                    erased.accept(failure);
                },
                storeSlots);
    }

    @Override
    public void close() {
        if (!inFlight.isEmpty()) {
            throw new IllegalStateException(
                    "a connector is closed when its transfers have ended, inFlight=" + inFlight);
        }
        local.close();
        closed = true;
    }
}
