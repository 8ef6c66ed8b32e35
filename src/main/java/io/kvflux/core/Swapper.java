package io.kvflux.core;

import io.kvflux.block.BlockPool;
import io.kvflux.block.PrefixMatch;
import io.kvflux.tier.HostMatch;
import io.kvflux.tier.HostPolicy;
import io.kvflux.tier.Tiers;
import io.kvflux.tier.Transfer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What moves between the devices, the host and the disk: it takes victims ahead of demand and under pressure, brings back
 * what a prompt finds below its device, and keeps both ends of every copy until it has landed.
 */
final class Swapper {

    /** Blocks that travel together at most, so that the first are not kept waiting for the last. */
    private static final int MAX_BLOCKS = 64;

    private static final int PROBE_EVERY = 64;

    private final SchedulerConfig config;
    private final Tiers tiers;
    private final Replica[] replicas;
    private final Consumer<Transfer> out;
    private final MeasuredCosts costs;
    private final HostMatch match = new HostMatch();
    private final int low;
    private final int high;

    /** By replica and block: copies in flight that read it. */
    private final byte[][] readers;
    /** By replica: what is to go next. */
    private final @Nullable PlannedTransfer[] filling;

    private @Nullable PlannedTransfer storing;
    /** Victims that were not worth keeping, and sequences for which the disk was not worth asking. */
    private long victimsLeft;

    private long disksPassed;
    private final int[] storedFrom = new int[MAX_BLOCKS];
    private final int[] storedTo = new int[MAX_BLOCKS];

    private final Map<Transfer.Direction, Deque<PlannedTransfer>> spare = new EnumMap<>(Transfer.Direction.class);
    private final List<PlannedTransfer> inFlight = new ArrayList<>();

    Swapper(SchedulerConfig config, Tiers tiers, Replica[] replicas, MeasuredCosts costs, Consumer<Transfer> out) {
        this.config = config;
        this.tiers = tiers;
        this.replicas = replicas;
        this.costs = costs;
        this.out = out;
        low = (int) (config.offloadLow() * config.blocksPerReplica());
        high = (int) (config.offloadHigh() * config.blocksPerReplica());
        readers = new byte[replicas.length][config.blocksPerReplica() + 1];
        filling = new PlannedTransfer[replicas.length];
        for (Replica replica : replicas) {
            replica.pool.onContent(tiers.listener(replica.index));
        }
    }

    Tiers tiers() {
        return tiers;
    }

    List<PlannedTransfer> inFlight() {
        return inFlight;
    }

    // ---- down

    /**
     * Sees to it that so many blocks are free.
     *
     * @return whether they are; if not, they are on their way, as far as there are victims
     */
    boolean makeRoom(Replica replica, int blocks) {
        BlockPool pool = replica.pool;
        boolean waits = pays(); // a copy that is made only to learn what it takes is not waited for
        while (pool.freeBlocks() + (waits ? replica.copying : 0) < blocks && pool.cachedBlocks() > 0) {
            evict(replica);
        }
        return pool.freeBlocks() >= blocks;
    }

    /** Takes victims ahead of demand, once fewer blocks than the low watermark are free or will be. */
    void keepAhead() {
        if (tiers.policy() != HostPolicy.WRITE_THROUGH && !pays()) {
            return; // what nobody copies need not go before its time
        }
        for (Replica replica : replicas) {
            if (replica.pool.freeBlocks() + replica.copying < low) {
                makeRoom(replica, high);
            }
        }
    }

    private void evict(Replica replica) {
        int block = replica.pool.victim();
        int slot = pays() || isProbe(victimsLeft++) ? tiers.offload(replica.index, block) : Tiers.NO_SLOT;
        if (slot != Tiers.NO_SLOT) {
            send(replica, block, slot);
        }
        boolean read = readers[replica.index][block] > 0;
        replica.pool.evictVictim(read);
        replica.copying += read ? 1 : 0;
    }

    /** Whether to bring a page back costs less than to compute it. */
    private boolean pays() {
        return config.preemption() == PreemptionMode.OFFLOAD || costs.tokensPerBlockCopied() < config.pageSize();
    }

    /** The same for a page that is on the disk. */
    private boolean paysFromDisk() {
        return config.preemption() == PreemptionMode.OFFLOAD || costs.tokensPerBlockFetched() < config.pageSize();
    }

    /** What does not pay is tried now and then: it may have become quicker. */
    private static boolean isProbe(long refused) {
        return refused % PROBE_EVERY == 0;
    }

    /** Pages [from, to) of a running sequence were committed. */
    void committed(Sequence sequence, int from, int to) {
        Replica replica = replicas[sequence.replica];
        for (int page = to - 1; page >= from; page--) {
            int block = sequence.table.block(page);
            int slot = tiers.writeThrough(replica.index, block);
            if (slot != Tiers.NO_SLOT) {
                send(replica, block, slot);
            }
        }
    }

    /**
     * A sequence gives up its blocks, and keeps its open page on the host. Its committed pages are cached, and leave the
     * device when they are needed, as all that is cached.
     */
    void suspend(Sequence sequence) {
        Replica replica = replicas[sequence.replica];
        int committed = sequence.table.committed();
        int open = replica.blocks(sequence.computed) - committed;
        int tail = 0;
        if (open == 1) {
            int last = committed == 0 ? 0 : sequence.table.block(committed - 1);
            tail = tiers.keep(replica.index, sequence.scope, last);
            if (tiers.slot(tail) == Tiers.NO_SLOT) {
                tiers.forget(tail);
                tail = 0;
            }
        }
        if (tail == 0) {
            replica.pool.release(sequence.table);
            return;
        }
        send(replica, sequence.table.block(committed), tiers.slot(tail));
        replica.pool.release(sequence.table, committed, committed + 1);
        replica.copying++;
        sequence.tail = tail;
        sequence.tailTokens = sequence.computed;
    }

    private void send(Replica replica, int block, int slot) {
        PlannedTransfer transfer = filling[replica.index];
        if (transfer == null) {
            transfer = transfer(Transfer.Direction.OFFLOAD, replica.index);
            filling[replica.index] = transfer;
        }
        transfer.add(block, slot);
        readers[replica.index][block]++;
        if (transfer.size == MAX_BLOCKS) {
            flush(replica.index);
        }
    }

    /** Sends what was gathered. */
    void flush() {
        for (int i = 0; i < filling.length; i++) {
            if (filling[i] != null) {
                flush(i);
            }
        }
        if (storing != null) {
            begin(storing);
            storing = null;
        }
    }

    private void flush(int replica) {
        begin(Objects.requireNonNull(filling[replica]));
        filling[replica] = null;
    }

    private PlannedTransfer transfer(Transfer.Direction direction, int replica) {
        Deque<PlannedTransfer> some = spare.computeIfAbsent(direction, any -> new ArrayDeque<>());
        PlannedTransfer transfer = some.isEmpty() ? new PlannedTransfer(direction) : some.pop();
        transfer.replica = replica;
        return transfer;
    }

    private void begin(PlannedTransfer transfer) {
        inFlight.add(transfer);
        out.accept(transfer);
    }

    /**
     * What has come to the host goes on to the disk, tails first, as it came; if the disk is behind, it is tails that are left
     * out, which are of no use without their heads.
     */
    private void store(PlannedTransfer from, int landed) {
        int some = 0;
        for (int i = landed - 1; i >= 0; i--) {
            int diskSlot = tiers.store(from.slots[i]);
            if (diskSlot != Tiers.NO_SLOT) {
                storedFrom[some] = from.slots[i];
                storedTo[some++] = diskSlot;
            }
        }
        for (int i = some - 1; i >= 0; i--) {
            if (storing == null) {
                storing = transfer(Transfer.Direction.STORE, 0);
            }
            storing.add(storedTo[i], storedFrom[i], tiers.name(storedFrom[i]));
            if (storing.size == MAX_BLOCKS) {
                begin(storing);
                storing = null;
            }
        }
    }

    // ---- up

    /**
     * Finds what the host has of a sequence beyond its match on a device.
     *
     * @return tokens that need not be computed if all that was found is brought back
     */
    int match(Replica replica, Sequence sequence, PrefixMatch device) {
        int found = device.pages();
        match.clear();
        if (!sequence.recompute) {
            int last = found == 0 ? 0 : device.block(found - 1);
            int most = (sequence.length - 1) / config.pageSize();
            boolean disk = paysFromDisk() || isProbe(disksPassed);
            tiers.match(replica.index, sequence.scope, last, sequence.tokens, found, most, sequence.keys, disk, match);
        }
        found += match.pages();
        return hasTail(sequence, found) ? sequence.tailTokens : found * config.pageSize();
    }

    private boolean hasTail(Sequence sequence, int found) {
        return sequence.tail != 0
                && found == sequence.tailTokens / config.pageSize()
                && tiers.isResident(sequence.tail);
    }

    /**
     * Keeps what the last match found below the device for its sequence, which has opened its table: as much as the host has
     * room for.
     */
    void claim(Sequence sequence, int tokens) {
        disksPassed += paysFromDisk() ? 0 : 1;
        sequence.claimedTokens = tokens;
        sequence.recompute = false;
        int device = sequence.table.size();
        int last = device == 0 ? 0 : sequence.table.block(device - 1);
        int tail = hasTail(sequence, device + match.pages()) ? tiers.slot(sequence.tail) : Tiers.NO_SLOT;
        if (tail != Tiers.NO_SLOT) {
            tiers.beginRead(tail); // first, so that it is not dropped for what comes from the disk
        }
        int wanted = match.pages();
        tiers.claim(sequence.replica, sequence.scope, last, sequence.tokens, device, sequence.keys, match);
        for (int i = 0; i < match.pages(); i++) {
            sequence.claim(match.slot(i));
        }
        if (match.pages() < wanted) {
            sequence.claimedTokens = (device + match.pages()) * config.pageSize();
            if (tail != Tiers.NO_SLOT) {
                tiers.letGo(tail);
            }
        } else if (tail != Tiers.NO_SLOT) {
            sequence.claim(tail);
        }
        replicas[sequence.replica].claiming += sequence.claimed > 0 ? 1 : 0;
        if (match.pagesOnDisk() > 0) {
            prepareFetch(sequence);
        }
        if (sequence.tail != 0) {
            tiers.forget(sequence.tail);
            sequence.tail = 0;
        }
    }

    private void prepareFetch(Sequence sequence) {
        PlannedTransfer transfer = transfer(Transfer.Direction.FETCH, sequence.replica);
        for (int i = 0; i < match.pages(); i++) {
            if (match.isOnDisk(i)) {
                transfer.add(match.diskSlot(i), match.slot(i), match.name(i));
            }
        }
        transfer.sequence = sequence;
        sequence.fetching = transfer;
    }

    /** Has what a sequence claimed on the disk brought to the host. */
    void fetch(Sequence sequence) {
        if (sequence.fetching != null) {
            begin(sequence.fetching);
        }
    }

    /** Begins to bring back what a sequence has claimed, to the last blocks of its table, once all of it is on the host. */
    void load(Replica replica, Sequence sequence) {
        sequence.reserved = true;
        if (sequence.fetching != null) {
            return;
        }
        PlannedTransfer transfer = transfer(Transfer.Direction.ONLOAD, replica.index);
        transfer.sequence = sequence;
        int first = sequence.table.size() - sequence.claimed;
        for (int i = 0; i < sequence.claimed; i++) {
            transfer.add(sequence.table.block(first + i), sequence.claims[i]);
        }
        sequence.loading = transfer;
        begin(transfer);
    }

    /** A running sequence gives its blocks back, those that a copy still writes once that has landed. */
    void release(Sequence sequence) {
        Replica replica = replicas[sequence.replica];
        PlannedTransfer transfer = sequence.loading;
        if (transfer == null) {
            letGo(sequence);
            replica.pool.release(sequence.table);
        } else {
            int end = sequence.table.size();
            replica.pool.release(sequence.table, end - transfer.size, end);
            replica.copying += transfer.size;
            transfer.sequence = null;
        }
        if (sequence.fetching != null) {
            sequence.fetching.sequence = null;
            sequence.fetching = null;
        }
        replica.claiming -= sequence.claimed > 0 ? 1 : 0;
        sequence.claimed = 0;
        sequence.loading = null;
        sequence.reserved = false;
    }

    /** Lets go of what was claimed, but for what is still on its way from the disk. */
    private void letGo(Sequence sequence) {
        PlannedTransfer coming = sequence.fetching;
        int at = 0;
        for (int i = 0; i < sequence.claimed; i++) {
            if (coming != null && at < coming.size && coming.slots[at] == sequence.claims[i]) {
                at++;
            } else {
                tiers.letGo(sequence.claims[i]);
            }
        }
    }

    /** A sequence that waits has ended. */
    void forget(Sequence sequence) {
        if (sequence.tail != 0) {
            tiers.forget(sequence.tail);
            sequence.tail = 0;
        }
    }

    // ---- landed

    /**
     * A transfer is over.
     *
     * @param landed blocks that are there: the first ones
     * @return the sequence that goes on, if there is one
     */
    @Nullable
    Sequence landed(Transfer told, int landed, double seconds, boolean byPage) {
        if (!(told instanceof PlannedTransfer transfer)
                || landed < 0
                || landed > transfer.size
                || !inFlight.remove(transfer)) {
            throw new IllegalArgumentException(
                    "a transfer lands once, and at most all of it, landed=" + landed + ", " + told);
        }
        if (landed == transfer.size && seconds > 0) {
            costs.copied(transfer.direction, landed, seconds);
        }
        Sequence sequence = transfer.sequence;
        switch (transfer.direction) {
            case OFFLOAD -> landedOnHost(transfer, landed);
            case ONLOAD -> landedOnDevice(transfer, landed);
            case STORE -> landedOnDisk(transfer, landed, byPage);
            case FETCH -> landedFromDisk(transfer, landed, byPage);
        }
        transfer.clear();
        spare.get(transfer.direction).push(transfer);
        return sequence;
    }

    private void landedOnDisk(PlannedTransfer transfer, int landed, boolean byPage) {
        for (int i = 0; i < transfer.size; i++) {
            tiers.stored(transfer.slots[i], transfer.blocks[i], i < landed, byPage && i == landed);
        }
    }

    /** The sequence goes on to the device with what is on the host now, up to the first page that is not. */
    private void landedFromDisk(PlannedTransfer transfer, int landed, boolean byPage) {
        for (int i = 0; i < transfer.size; i++) {
            tiers.fetched(transfer.slots[i], transfer.blocks[i], i < landed, byPage && i == landed);
        }
        Sequence sequence = transfer.sequence;
        if (sequence == null) {
            for (int i = 0; i < landed; i++) {
                tiers.letGo(transfer.slots[i]);
            }
            return;
        }
        sequence.fetching = null;
        if (landed == transfer.size) {
            loadAtOnce(sequence);
            return;
        }
        int good = 0;
        while (sequence.claims[good] != transfer.slots[landed]) {
            good++;
        }
        int next = landed;
        for (int i = good; i < sequence.claimed; i++) {
            if (next < transfer.size && sequence.claims[i] == transfer.slots[next]) {
                next++; // it is not there
            } else {
                tiers.letGo(sequence.claims[i]);
            }
        }
        Replica replica = replicas[sequence.replica];
        if (sequence.reserved) {
            replica.pool.shrink(sequence.table, sequence.table.committed() + good);
        }
        sequence.claimed = good;
        sequence.claimedTokens = (sequence.table.committed() + good) * config.pageSize();
        if (good == 0) {
            goOn(replica, sequence, 0);
        } else {
            loadAtOnce(sequence);
        }
    }

    /** Does not wait for the next plan, if there are blocks for it already. */
    private void loadAtOnce(Sequence sequence) {
        if (sequence.reserved && !sequence.held) {
            load(replicas[sequence.replica], sequence);
        }
    }

    private void landedOnHost(PlannedTransfer transfer, int landed) {
        Replica replica = replicas[transfer.replica];
        byte[] reading = readers[transfer.replica];
        for (int i = 0; i < transfer.size; i++) {
            int block = transfer.blocks[i];
            tiers.written(transfer.slots[i], i < landed);
            if (--reading[block] == 0 && replica.pool.isCopying(block)) {
                replica.pool.copied(block);
                replica.copying--;
            }
        }
        store(transfer, landed);
    }

    private void landedOnDevice(PlannedTransfer transfer, int landed) {
        Replica replica = replicas[transfer.replica];
        for (int i = transfer.size - 1; i >= 0; i--) {
            if (replica.lost) {
                tiers.letGo(transfer.slots[i]); // which is as good as before
            } else if (i < landed) {
                tiers.brought(transfer.slots[i]);
            } else if (i == landed) {
                tiers.spoiled(transfer.slots[i]);
            } else {
                tiers.letGo(transfer.slots[i]);
            }
            if (transfer.sequence == null) {
                replica.pool.copied(transfer.blocks[i]);
                replica.copying--;
            }
        }
        if (transfer.sequence != null) {
            goOn(replica, transfer.sequence, landed);
        }
    }

    /** A sequence has what was brought back, and computes the rest. */
    private void goOn(Replica replica, Sequence sequence, int landed) {
        int pages = sequence.table.committed() + landed;
        boolean tail = landed == sequence.claimed && sequence.claimedTokens % config.pageSize() != 0;
        sequence.computed = tail ? sequence.claimedTokens : pages * config.pageSize();
        sequence.scheduled = sequence.computed;
        replica.claiming--;
        sequence.claimed = 0;
        sequence.loading = null;
        sequence.reserved = false;
        replica.pool.shrink(sequence.table, replica.blocks(sequence.computed));
        sequence.prefillTarget = sequence.length - sequence.computed > 1 ? sequence.length : sequence.computed;
        replica.pool.commit(sequence.table, sequence.tokens, sequence.computed / config.pageSize(), sequence.keys);
    }
}
