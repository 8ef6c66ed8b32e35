package io.kvflux.tier;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.RemovalCause;
import io.kvflux.block.BlockTable;
import io.kvflux.block.ContentListener;
import io.kvflux.block.PageKeys;
import io.kvflux.block.PrefixHasher;
import io.kvflux.block.PrefixScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The tiers below the devices of one scheduler, as a state machine: what the host holds beside what the pools of all
 * replicas hold. It decides what is copied where; the copies themselves are somebody else's, who says when each has
 * landed.
 *
 * <p>Single-threaded. A slot is the host's room for one block: for a page of every cache, in every shard. Costs 4 bytes a
 * block, 17 bytes a slot, and 32 bytes and the tokens (4 bytes each) of every page that any tier holds.
 */
public final class Tiers {

    /** No slot: there is nothing to copy. */
    public static final int NO_SLOT = HostTier.NONE;

    private final HostPolicy policy;
    private final int pageSize;
    private final ContentIndex contents;
    private final HostTier host;
    private final Residents[] devices;

    private @Nullable Disk disk;
    private @Nullable TierLog log;
    private long onloaded;

    /**
     * Tiers that hold nothing.
     *
     * @param replicas pools above them
     * @param blocksPerReplica usable blocks of each pool
     * @param pageSize tokens in a page
     * @param hostSlots blocks that the host has room for, at least 1
     * @param policy when content goes to the host and whether it stays
     */
    public Tiers(int replicas, int blocksPerReplica, int pageSize, int hostSlots, HostPolicy policy) {
        if (hostSlots < 1 || hostSlots == Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "a host tier has at least 1 and less than 2^31 - 1 blocks, hostBlocks=" + hostSlots);
        }
        this.policy = policy;
        this.pageSize = pageSize;
        contents = new ContentIndex(pageSize);
        host = new HostTier(contents, hostSlots);
        devices = new Residents[replicas];
        for (int i = 0; i < replicas; i++) {
            devices[i] = new Residents(blocksPerReplica);
        }
    }

    /**
     * Puts a disk below the host. Called once, before anything else.
     *
     * @param index its slots and what an earlier run has left in them
     * @param hasher gives pages the names that they have there
     */
    public void onDisk(HashIndex index, PrefixHasher hasher) {
        disk = new Disk(index, hasher, host.slots());
    }

    /**
     * What has to hear what becomes of a pool's pages.
     *
     * @param replica the pool's replica
     * @return a listener for {@link io.kvflux.block.BlockPool#onContent}
     */
    public ContentListener listener(int replica) {
        return devices[replica];
    }

    /** {@return the policy} */
    public HostPolicy policy() {
        return policy;
    }

    /**
     * Finds the pages of a prompt that continue its match on a device. Changes nothing.
     *
     * @param replica the device's replica
     * @param scope salt and adapter
     * @param lastBlock the block of the last page matched on the device, 0 if there is none
     * @param tokens the prompt
     * @param from the first page to look for
     * @param to one past the last page that may count
     * @param keys what identifies the pages beside their tokens
     * @param out takes the match
     */
    public void match(
            int replica,
            PrefixScope scope,
            int lastBlock,
            int[] tokens,
            int from,
            int to,
            PageKeys keys,
            HostMatch out) {
        out.clear();
        int page = lastBlock == 0 ? contents.findRoot(scope) : devices[replica].page(lastBlock);
        byte[] before = null;
        for (int i = from; i < to; i++) {
            int previous = page;
            page = page == ContentIndex.NONE ? page : contents.find(page, tokens, i * pageSize, keys.key(i));
            int slot = page == ContentIndex.NONE ? HostTier.NONE : host.find(page);
            if (slot != HostTier.NONE) {
                out.add(slot);
                before = null;
                continue;
            }
            if (disk == null || (page != ContentIndex.NONE && host.has(page))) {
                return; // or it is on its way to the host
            }
            if (before == null) {
                before = previous == ContentIndex.NONE
                        ? disk.hasher.root(scope)
                        : contents.name(previous, disk.hasher).toBytes();
            }
            before = disk.hasher.next(before, tokens, i * pageSize, keys.key(i));
            BlockHash name = new BlockHash(before);
            int diskSlot = disk.index.find(name);
            if (diskSlot == HashIndex.NONE) {
                return;
            }
            out.addOnDisk(diskSlot, name);
        }
    }

    /**
     * A page is about to be evicted from a device. With {@link HostPolicy#WRITE_THROUGH} this does nothing; otherwise the
     * page becomes the most recent of the host, which drops its least recent one if it has to.
     *
     * @param replica the device's replica
     * @param block the block that holds the page
     * @return the slot to copy it to, which says so with {@link #written}, or {@link #NO_SLOT} if there is nothing to copy:
     *     the host has it already, is not to have it, or has no slot that is not in use
     */
    public int offload(int replica, int block) {
        return policy == HostPolicy.WRITE_THROUGH ? NO_SLOT : put(devices[replica].page(block));
    }

    /**
     * A page was computed. Only with {@link HostPolicy#WRITE_THROUGH} it becomes the most recent of the host.
     *
     * @param replica the device's replica
     * @param block the block that holds the page
     * @return as for {@link #offload}
     */
    public int writeThrough(int replica, int block) {
        return policy == HostPolicy.WRITE_THROUGH ? put(devices[replica].page(block)) : NO_SLOT;
    }

    private int put(int page) {
        int slot = host.find(page);
        if (slot != HostTier.NONE) {
            host.touch(slot);
            return NO_SLOT;
        }
        return host.has(page) ? NO_SLOT : host.reserve(page);
    }

    /**
     * A copy to a slot is over.
     *
     * @param slot a slot that was given to be written
     * @param landed whether all of it is there; otherwise the slot is free again
     */
    public void written(int slot, boolean landed) {
        int page = host.page(slot);
        host.written(slot, landed);
        if (landed && contents.isForgotten(page)) {
            host.forget(slot);
        }
    }

    /**
     * A matched page is on a device, by a copy that took no time. With {@link HostPolicy#EXCLUSIVE} it leaves the host;
     * otherwise it stays where it is in the host's order.
     *
     * @param slot a matched slot
     */
    public void read(int slot) {
        onloaded++;
        if (policy == HostPolicy.EXCLUSIVE) {
            host.remove(slot, RemovalCause.MOVED);
        }
    }

    /**
     * A matched page will be on a device, because it is computed again. With {@link HostPolicy#EXCLUSIVE} it leaves the host.
     *
     * @param slot a matched slot
     */
    public void computedAgain(int slot) {
        if (policy == HostPolicy.EXCLUSIVE) {
            host.remove(slot, RemovalCause.MOVED);
        }
    }

    /**
     * Keeps a slot from being given away while it is read.
     *
     * @param slot a matched slot
     */
    public void beginRead(int slot) {
        host.beginRead(slot);
    }

    /**
     * A slot was read, and its page is on a device now. With {@link HostPolicy#EXCLUSIVE} it leaves the host, otherwise it is
     * the host's most recent.
     *
     * @param slot a slot that is read
     */
    public void brought(int slot) {
        onloaded++;
        if (host.endRead(slot) && (policy == HostPolicy.EXCLUSIVE || contents.isPrivate(host.page(slot)))) {
            host.remove(slot, RemovalCause.MOVED);
        }
    }

    /**
     * A slot was to be read, but is not wanted any more.
     *
     * @param slot a slot that is read
     */
    public void letGo(int slot) {
        if (host.endRead(slot) && contents.isForgotten(host.page(slot))) {
            host.forget(slot);
        }
    }

    /**
     * A slot was read, and what it holds is of no use: it leaves the host.
     *
     * @param slot a slot that is read
     */
    public void spoiled(int slot) {
        if (host.endRead(slot)) {
            host.remove(slot, RemovalCause.SPOILED);
        }
    }

    /**
     * A page has come to the host from a device: it is written to the disk as well, unless the disk has it, or is behind. The
     * slot of the host is then read until {@link #stored}.
     *
     * @param slot a slot whose copy has landed
     * @return the slot of the disk to write it to, or {@link #NO_SLOT}
     */
    public int store(int slot) {
        int page = host.page(slot);
        if (disk == null || disk.isBusy() || page == ContentIndex.NONE || contents.isPrivate(page)) {
            return NO_SLOT;
        }
        int diskSlot = disk.reserve(contents.name(page, disk.hasher));
        if (diskSlot < 0) {
            return NO_SLOT;
        }
        disk.storing++;
        host.beginRead(slot);
        return diskSlot;
    }

    /**
     * What a slot's page is called on the disk.
     *
     * @param slot a slot of the host that {@link #store} gave a slot of the disk for
     * @return its name
     */
    public BlockHash name(int slot) {
        return contents.name(host.page(slot), Objects.requireNonNull(disk).hasher);
    }

    /**
     * The writing of a page to the disk is over.
     *
     * @param slot the slot of the host that was read
     * @param diskSlot the slot of the disk
     * @param landed whether all of it is there
     * @param noRoom whether it is not because the disk has no room: its slot is not used until all others are in use
     */
    public void stored(int slot, int diskSlot, boolean landed, boolean noRoom) {
        Disk below = Objects.requireNonNull(disk);
        below.storing--;
        if (landed) {
            below.publish(diskSlot);
        } else if (noRoom) {
            below.index.withdraw(diskSlot);
        } else {
            below.index.drop(diskSlot);
        }
        host.endRead(slot);
    }

    /**
     * Keeps what was matched for whoever asked: pages on the host are read from now on, until they are {@link #brought} or
     * {@link #letGo}; pages on the disk get slots of the host, to which they are to be {@link #fetched}. If the host has no
     * room for one of them, the match ends before it.
     *
     * @param replica the device's replica
     * @param scope salt and adapter
     * @param lastBlock the block of the last page matched on the device, 0 if there is none
     * @param tokens the prompt
     * @param from the first page of the match
     * @param keys what identifies the pages beside their tokens
     * @param match a match of this state of the tiers with these arguments; afterwards every page of it has a slot
     */
    public void claim(
            int replica, PrefixScope scope, int lastBlock, int[] tokens, int from, PageKeys keys, HostMatch match) {
        for (int i = 0; i < match.pages; i++) {
            if (!match.isOnDisk(i)) {
                host.beginRead(match.slots[i]);
            }
        }
        if (match.onDisk == 0) {
            return;
        }
        int page = lastBlock == 0 ? contents.root(scope) : devices[replica].page(lastBlock);
        for (int i = 0; i < match.pages; i++) {
            page = contents.enter(page, tokens, (from + i) * pageSize, keys.key(from + i));
            if (match.isOnDisk(i)) {
                match.slots[i] = reserve(page);
                if (match.slots[i] == NO_SLOT) {
                    endAt(match, i);
                    return;
                }
                Objects.requireNonNull(disk).index.pin(match.diskSlots[i]);
            }
        }
    }

    /** A slot for a page that may be new; without one a new page is forgotten at once. */
    private int reserve(int page) {
        contents.retain(page);
        int slot = host.reserve(page);
        contents.release(page);
        return slot;
    }

    private void endAt(HostMatch match, int pages) {
        for (int i = pages; i < match.pages; i++) {
            if (!match.isOnDisk(i)) {
                host.endRead(match.slots[i]);
            }
        }
        match.truncate(pages);
    }

    /**
     * The reading of a page from the disk is over.
     *
     * @param slot the slot of the host that was written
     * @param diskSlot the slot of the disk
     * @param landed whether the page is there; then it is read from now on, as if it had been claimed on the host
     * @param spoiled whether what the disk has is of no use: it leaves it
     */
    public void fetched(int slot, int diskSlot, boolean landed, boolean spoiled) {
        Disk below = Objects.requireNonNull(disk);
        host.fetched(slot, landed);
        if (landed) {
            below.fetched++;
            host.beginRead(slot);
        }
        if (spoiled) {
            below.spoiled(diskSlot);
        }
        below.index.unpin(diskSlot);
    }

    /** {@return pages written to the disk so far} */
    public long diskStoredBlocks() {
        return disk == null ? 0 : disk.stored;
    }

    /** {@return pages read from the disk so far} */
    public long diskFetchedBlocks() {
        return disk == null ? 0 : disk.fetched;
    }

    /** {@return pages that the disk has room for; 0 without a disk} */
    public long diskBlocks() {
        return disk == null ? 0 : disk.index.slots();
    }

    /** {@return pages that can be found on the disk} */
    public long diskResidentBlocks() {
        return disk == null ? 0 : disk.index.stored();
    }

    /** {@return pages so far that the disk was to have and had not, or not as they were} */
    public long diskSpoiledBlocks() {
        return disk == null ? 0 : disk.spoiled;
    }

    /** {@return pages that the disk dropped so far to make room} */
    public long diskDroppedBlocks() {
        return disk == null ? 0 : disk.dropped;
    }

    /**
     * The last page of a sequence that gives up its blocks, which is not full, so that nobody else finds it.
     *
     * @param replica the sequence's replica
     * @param scope salt and adapter
     * @param lastBlock the block of the last page before it, 0 if it is the first
     * @return its number, to be {@linkplain #forget forgotten}; its slot is that of {@link #slot}
     */
    public int keep(int replica, PrefixScope scope, int lastBlock) {
        int before = lastBlock == 0 ? contents.root(scope) : devices[replica].page(lastBlock);
        int page = contents.enterPrivate(before);
        contents.retain(page);
        host.reserve(page);
        return page;
    }

    /**
     * Where a page is that was {@linkplain #keep kept}.
     *
     * @param page its number
     * @return the slot that it is in or is to be written to, or {@link #NO_SLOT} if the host has dropped it, or had no room
     */
    public int slot(int page) {
        return host.slot(page);
    }

    /**
     * Whether a page that was {@linkplain #keep kept} can be read.
     *
     * @param page its number
     * @return true if its copy has landed and it was not dropped since
     */
    public boolean isResident(int page) {
        return host.find(page) != HostTier.NONE;
    }

    /**
     * Nobody will ask for a page any more that was {@linkplain #keep kept}.
     *
     * @param page its number
     */
    public void forget(int page) {
        int slot = host.find(page);
        if (slot != HostTier.NONE && !host.isRead(slot)) {
            host.forget(slot);
        }
        contents.release(page);
    }

    /**
     * Makes the page of a device's block the host's most recent, if the host has it.
     *
     * @param replica the device's replica
     * @param block the block that holds the page
     */
    public void touch(int replica, int block) {
        int slot = host.find(devices[replica].page(block));
        if (slot != HostTier.NONE) {
            host.touch(slot);
        }
    }

    /**
     * Forgets everything. Nothing may be on its way to a tier, or kept to be read.
     *
     * @param erased takes slots of the disk whose content is to be erased
     */
    public void clear(IntConsumer erased) {
        host.clear();
        if (disk != null) {
            disk.clear(erased);
        }
    }

    /**
     * Tells from now on what becomes findable on host and disk, and what no longer is. If it does so already, it goes on as
     * it did, and only the content is given. What only its own sequence can find is left out.
     *
     * @param hasher names the pages of the host, now and from now on
     * @param at number of the last event before
     * @param numbers gives each event its number
     * @param sink takes the events
     * @return all that is findable, under the number {@code at}
     */
    public List<BlockEvent.Stored> startEvents(
            PrefixHasher hasher, long at, LongSupplier numbers, Consumer<BlockEvent> sink) {
        TierLog told = log == null ? new TierLog(contents, pageSize, hasher, numbers, sink) : log;
        tell(told);
        List<BlockEvent.Stored> content = new ArrayList<>();
        host.pages().filter(page -> !contents.isPrivate(page)).forEach(page -> content.add(told.onHost(at, page)));
        if (disk != null && disk.index.stored() > 0) {
            content.add(told.onDisk(at, disk.index.names()));
        }
        return content;
    }

    /** Tells no more. */
    public void stopEvents() {
        tell(null);
    }

    private void tell(@Nullable TierLog listener) {
        log = listener;
        host.tell(listener);
        if (disk != null) {
            disk.tell(listener);
        }
    }

    /** {@return blocks that the host has room for} */
    public int hostBlocks() {
        return host.slots();
    }

    /** {@return of those, the ones that hold a page} */
    public int residentBlocks() {
        return host.resident();
    }

    /** {@return of those, the ones that a copy is on its way to} */
    public int writingBlocks() {
        return host.writing();
    }

    /** {@return pages written to the host so far; making one most recent is no write} */
    public long offloadedBlocks() {
        return host.stored();
    }

    /** {@return pages read from the host so far} */
    public long onloadedBlocks() {
        return onloaded;
    }

    /** {@return pages that the host dropped so far to make room} */
    public long droppedBlocks() {
        return host.dropped();
    }

    /**
     * Walks the whole structure and compares every count and link with the others. For tests and for
     * {@code verifyInvariants}; costs time in proportion to what it holds.
     *
     * @throws IllegalStateException naming the first rule that does not hold, with its values
     */
    public void verify() {
        contents.verify();
        host.verify();
        if (disk != null) {
            disk.index.verify();
        }
    }

    /** The pages that one device holds, by block. */
    private final class Residents implements ContentListener {

        private final int[] pages;

        Residents(int blocks) {
            pages = new int[blocks + 1];
        }

        int page(int block) {
            int page = pages[block];
            if (page == ContentIndex.NONE) {
                throw new IllegalArgumentException("only a block with committed content has a page, block=" + block);
            }
            return page;
        }

        @Override
        public void stored(PrefixScope scope, BlockTable table, int from, int to, int[] tokens, PageKeys keys) {
            int page = from == 0 ? contents.root(scope) : page(table.block(from - 1));
            for (int i = from; i < to; i++) {
                page = contents.enter(page, tokens, i * pageSize, keys.key(i));
                contents.retain(page);
                pages[table.block(i)] = page;
                int slot = policy == HostPolicy.EXCLUSIVE ? host.find(page) : HostTier.NONE;
                if (slot != HostTier.NONE && !host.isRead(slot)) {
                    // It was computed again, because the last token of a prompt is, or a copy was late.
                    host.remove(slot, RemovalCause.MOVED);
                }
            }
        }

        @Override
        public void evicted(int block) {
            int page = page(block);
            pages[block] = ContentIndex.NONE;
            contents.release(page);
        }

        @Override
        public void cleared() {
            for (int block = 1; block < pages.length; block++) {
                if (pages[block] != ContentIndex.NONE) {
                    evicted(block);
                }
            }
        }
    }
}
