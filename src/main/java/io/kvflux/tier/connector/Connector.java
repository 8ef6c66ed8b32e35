package io.kvflux.tier.connector;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.KvConnectorType;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.SlotArena;
import io.kvflux.tier.Transfer;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Carries blocks between the devices of one scheduler, slots in host memory, and slots of a store below the host that may
 * outlive the process. A page goes to the store and comes from it through the host.
 *
 * <pre>
 *   device   --OFFLOAD--&gt;   host slot   --STORE--&gt;   store slot
 *   device   &lt;--ONLOAD--    host slot   &lt;--FETCH--   store slot
 * </pre>
 *
 * <p>What a connector promises, and {@code ConnectorContract} tests:
 *
 * <ol>
 *   <li>{@link #begin} waits for no copy. A transfer ends once, on any thread, with how many of its blocks are there, which
 *       are its first ones: all of them, or fewer and the failure. Of a transfer that is refused by an exception nothing is
 *       heard.
 *   <li>Whatever {@code begin} is given is there when it ends: a block comes back from a host slot, in every cache and every
 *       shard, as it went there, and a page from the store as it went there under that name.
 *   <li>A page that the store has not got, has got under another name, or has got damaged, ends a {@link
 *       Transfer.Direction#FETCH} before it; it is never given as if it were right. A page that has no room ends a
 *       {@link Transfer.Direction#STORE} before it. Both ends have a {@link StoreException} for their failure.
 *   <li>What is erased is not found by a transfer that begins when that has ended, nor by a later process. A STORE that is
 *       begun later comes after it.
 *   <li>Transfers that share no slot and no block may go on side by side and end in any order. It is the caller who keeps
 *       apart those that do.
 *   <li>{@link #close} gives everything back before it returns, and is refused while a transfer has not ended.
 * </ol>
 *
 * <p>A store that several machines share ({@link KvConnectorType#DKV}) is one more implementation. Its slots are then names
 * for places rather than places: the scheduler gives a page that it stores a slot number below {@link #storeSlots()} and
 * uses the number again when it forgets the page, of which the store hears by {@link #erase} or by the next STORE to that
 * number; what identifies the page is its {@linkplain Transfer#name name}, a SHA-256 over its tokens and all before
 * them, salt, adapter, media and the caches' hash seed. A shared store keeps pages of one layout apart from those of
 * another ({@link io.kvflux.tier.disk.DiskLayout} has the fingerprint), may drop a page whenever it wants, which is a miss,
 * and lists with {@link #forEachStored} what it wants to be asked for. What other machines store after that is not found
 * before the next opening.
 */
public interface Connector extends AutoCloseable {

    /** Opens a connector for the memory of one scheduler. */
    @FunctionalInterface
    interface Factory {

        /**
         * Opens it.
         *
         * @param arenas where the blocks are on the devices; open longer than the connector
         * @return the connector, which the scheduler closes
         */
        Connector open(BlockArenas arenas);
    }

    /** Hears of the end of a transfer. */
    @FunctionalInterface
    interface Listener {

        /**
         * The transfer is over: nothing touches its blocks and slots any more. Called once, on any thread; does not block
         * and does not throw.
         *
         * @param transfer the transfer that was begun
         * @param landed blocks that are there, the first ones: all of them if there was no failure
         * @param tookNs nanoseconds that it took, without what it waited for others
         * @param failure why it ended early; null if it did not
         */
        void ended(Transfer transfer, int landed, long tookNs, @Nullable Throwable failure);
    }

    /** Takes what a store holds. */
    @FunctionalInterface
    interface StoredPages {

        /**
         * One page.
         *
         * @param slot where it is in the store
         * @param name its name
         */
        void page(int slot, BlockHash name);
    }

    /** {@return its kind} */
    KvConnectorType type();

    /** {@return the slots of the host; null if it has none, and then no store either} */
    @Nullable
    SlotArena hostMemory();

    /** {@return slots of the store below the host, by number from 0; 0 if there is no store} */
    int storeSlots();

    /**
     * Lists what the store holds when it is opened, the page that was stored first at the front. Of two pages with one name
     * the later is as good. For use before the first transfer.
     *
     * @param pages hears of each
     */
    void forEachStored(StoredPages pages);

    /**
     * Begins a transfer. Called by one thread at a time.
     *
     * @param transfer what to copy; stays as it is until it has ended
     * @param listener hears of the end
     * @throws IllegalStateException if it is closed, or has no such way
     */
    void begin(Transfer transfer, Listener listener);

    /**
     * Empties slots of the store. Called by the thread that calls
     * {@link #begin}.
     *
     * @param storeSlots which; not changed any more
     * @param erased hears once of the end, on any thread: null when they are empty, or why they are not
     * @throws IllegalStateException if it is closed, or has no store
     */
    void erase(List<Integer> storeSlots, Consumer<@Nullable Throwable> erased);

    /**
     * Gives everything back; what the store holds stays there. A second call does nothing.
     *
     * @throws IllegalStateException if a transfer or an erasure has not ended; nothing has changed
     */
    @Override
    void close();
}
