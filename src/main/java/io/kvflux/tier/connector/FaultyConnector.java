package io.kvflux.tier.connector;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.KvConnectorType;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotArena;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.Transfer.Direction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Wraps a connector, decides transfer by transfer how it ends, and looks over the shoulder of whoever uses it: which
 * transfers have not ended, and which were begun although they share a slot or a block with one that had not. For finding
 * out what becomes of those who rely on a connector. Thread-safe.
 */
public final class FaultyConnector implements Connector {

    /** What happens to a transfer. */
    public enum Fault {
        /** Nothing: it ends as the connector ends it. */
        NONE,
        /** It is not even taken: {@link #begin} throws, and the listener hears nothing. */
        REFUSE,
        /** It is not carried out, and fails at once. */
        FAIL,
        /** The first half of it is carried out, rounded down, then it fails. */
        HALF_FAIL,
        /** It is begun as late as may be: when {@link #releaseNext()} or {@link #releaseAll} says so. */
        DELAY,
        /** Half of it is carried out as late as with {@link #DELAY}, then it fails. */
        DELAY_FAIL,
        /**
         * It is carried out, and one byte of its last block is another where it was copied to. A slot of the host that is
         * stored so has another byte as well until the transfer has ended.
         */
        CORRUPT,
        /** A {@link Direction#STORE} that finds no room: none of it is carried out. Any other transfer is. */
        NO_ROOM
    }

    /** Decides what happens to a transfer. */
    @FunctionalInterface
    public interface Faults {

        /**
         * Called once a transfer, by whoever begins it.
         *
         * @param number of the transfer, from 0
         * @param transfer to be looked at only
         * @return what happens to it
         */
        Fault of(int number, Transfer transfer);
    }

    /** The failure of a transfer that was made to fail. */
    public static final class InjectedFaultException extends RuntimeException {

        InjectedFaultException(Fault fault, int number) {
            super("injected fault, fault=" + fault + ", transfer=" + number);
        }
    }

    private final Connector connector;
    private final BlockArenas arenas;
    private final Faults faults;
    /** Begun and not ended. */
    private final Set<Flight> inFlight = new LinkedHashSet<>();
    /** Of those, the ones that wait to be released. */
    private final List<Flight> held = new ArrayList<>();

    private final List<String> clashes = new ArrayList<>();
    private int begun;
    private int erasing;

    /**
     * A connector with faults.
     *
     * @param connector what really carries
     * @param arenas where the blocks are that it carries
     * @param faults what happens to each transfer
     */
    public FaultyConnector(Connector connector, BlockArenas arenas, Faults faults) {
        this.connector = Objects.requireNonNull(connector, "connector");
        this.arenas = Objects.requireNonNull(arenas, "arenas");
        this.faults = Objects.requireNonNull(faults, "faults");
    }

    /**
     * What has begun and not ended, a sentence each; at the end of everything that is what leaked: its blocks and slots are
     * nobody's any more.
     *
     * @return nothing if all has ended
     */
    public synchronized List<String> leaks() {
        List<String> leaks = new ArrayList<>();
        inFlight.forEach(flight -> leaks.add(flight + " has not ended"));
        if (erasing > 0) {
            leaks.add(erasing + " erasures have not ended");
        }
        return leaks;
    }

    /** {@return what was begun too early or ended too often, a sentence each; nothing if both ends of all were fenced} */
    public synchronized List<String> clashes() {
        return List.copyOf(clashes);
    }

    /** {@return transfers that wait to be released} */
    public synchronized int delayed() {
        return held.size();
    }

    /** Begins the transfer that was delayed first; nothing if there is none. */
    public void releaseNext() {
        Flight next;
        synchronized (this) {
            if (held.isEmpty()) {
                return;
            }
            next = held.remove(0);
        }
        next.release();
    }

    /**
     * Begins all transfers that are delayed, in any order.
     *
     * @param random chooses the order
     */
    public void releaseAll(RandomGenerator random) {
        while (true) {
            Flight next;
            synchronized (this) {
                if (held.isEmpty()) {
                    return;
                }
                next = held.remove(random.nextInt(held.size()));
            }
            next.release();
        }
    }

    @Override
    public KvConnectorType type() {
        return connector.type();
    }

    @Override
    public @Nullable SlotArena hostMemory() {
        return connector.hostMemory();
    }

    @Override
    public int storeSlots() {
        return connector.storeSlots();
    }

    @Override
    public void forEachStored(StoredPages pages) {
        connector.forEachStored(pages);
    }

    @Override
    public void begin(Transfer transfer, Listener listener) {
        Flight flight;
        synchronized (this) {
            int number = begun++;
            Fault fault = faults.of(number, transfer);
            if (fault == Fault.REFUSE) {
                throw new InjectedFaultException(fault, number);
            }
            boolean carried = fault == Fault.NO_ROOM && transfer.direction() != Direction.STORE;
            flight = new Flight(number, carried ? Fault.NONE : fault, transfer, listener);
            for (Flight other : inFlight) {
                if (flight.clashesWith(other)) {
                    clashes.add(flight + " began before the end of " + other);
                }
            }
            inFlight.add(flight);
            if (fault == Fault.DELAY || fault == Fault.DELAY_FAIL) {
                held.add(flight);
                return;
            }
        }
        flight.begin();
    }

    @Override
    public void erase(List<Integer> storeSlots, Consumer<@Nullable Throwable> erased) {
        synchronized (this) {
            erasing++;
        }
        try {
            connector.erase(storeSlots, failure -> {
                synchronized (this) {
                    erasing--;
                }
                erased.accept(failure);
            });
        } catch (RuntimeException refused) {
            synchronized (this) {
                erasing--;
            }
            throw refused;
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (!inFlight.isEmpty()) {
                throw new IllegalStateException("a connector is closed when its transfers have ended: " + leaks());
            }
        }
        connector.close();
    }

    /** A transfer on its way. */
    private final class Flight implements Listener {

        private final int number;
        private final Fault fault;
        private final Transfer transfer;
        private final Listener listener;
        private final Direction direction;
        private final int replica;
        private final int[] blocks;
        private final int[] slots;

        Flight(int number, Fault fault, Transfer transfer, Listener listener) {
            this.number = number;
            this.fault = fault;
            this.transfer = transfer;
            this.listener = listener;
            direction = transfer.direction();
            replica = transfer.replica();
            blocks = new int[transfer.size()];
            slots = new int[transfer.size()];
            for (int i = 0; i < blocks.length; i++) {
                blocks[i] = transfer.block(i);
                slots[i] = transfer.slot(i);
            }
        }

        void begin() {
            int part = switch (fault) {
                case FAIL, NO_ROOM -> 0;
                case HALF_FAIL, DELAY_FAIL -> blocks.length / 2;
                default -> blocks.length;
            };
            if (part == 0) {
                ended(transfer, 0, 0, null);
                return;
            }
            boolean flipped = fault == Fault.CORRUPT && direction == Direction.STORE;
            if (flipped) {
                flipSlot();
            }
            try {
                connector.begin(part == blocks.length ? transfer : new FirstOf(transfer, part), this);
            } catch (RuntimeException refused) {
                if (flipped) {
                    flipSlot();
                }
                synchronized (FaultyConnector.this) {
                    inFlight.remove(this);
                }
                throw refused;
            }
        }

        /** It was taken, so a refusal is its end. */
        void release() {
            try {
                begin();
            } catch (RuntimeException refused) {
                listener.ended(transfer, 0, 0, refused);
            }
        }

        @Override
        public void ended(Transfer carried, int landed, long tookNs, @Nullable Throwable failure) {
            if (fault == Fault.CORRUPT && direction == Direction.STORE) {
                flipSlot();
            } else if (fault == Fault.CORRUPT && landed == blocks.length) {
                flip();
            }
            synchronized (FaultyConnector.this) {
                if (!inFlight.remove(this)) {
                    clashes.add(this + " ended twice");
                    return;
                }
            }
            boolean injected = failure == null && fault != Fault.NONE && fault != Fault.DELAY && fault != Fault.CORRUPT;
            RuntimeException ours = fault == Fault.NO_ROOM
                    ? StoreException.noRoom(blocks[0])
                    : new InjectedFaultException(fault, number);
            listener.ended(transfer, landed, tookNs, injected ? ours : failure);
        }

        private void flip() {
            if (direction != Direction.ONLOAD) {
                flipSlot();
                return;
            }
            byte[] one = new byte[1];
            PageArena arena = arenas.arena(0, replica, 0);
            arena.read(blocks[blocks.length - 1], 0, one);
            one[0] ^= (byte) 0xFF;
            arena.write(blocks[blocks.length - 1], 0, one);
        }

        private void flipSlot() {
            byte[] one = new byte[1];
            SlotArena arena = Objects.requireNonNull(connector.hostMemory());
            arena.read(slots[slots.length - 1], 0, one);
            one[0] ^= (byte) 0xFF;
            arena.write(slots[slots.length - 1], 0, one);
        }

        /** Whether one writes what the other reads or writes. */
        boolean clashesWith(Flight other) {
            boolean slotsWritten = writesSlots() || other.writesSlots();
            if (slotsWritten && meet(slots, other.slots)) {
                return true;
            }
            boolean sameSide = direction.isOfStore() == other.direction.isOfStore()
                    && (direction.isOfStore() || replica == other.replica);
            return sameSide && (writesBlocks() || other.writesBlocks()) && meet(blocks, other.blocks);
        }

        private boolean writesSlots() {
            return direction == Direction.OFFLOAD || direction == Direction.FETCH;
        }

        private boolean writesBlocks() {
            return direction == Direction.ONLOAD || direction == Direction.STORE;
        }

        @Override
        public String toString() {
            return "transfer " + number + ", " + direction + " of replica " + replica
                    + (direction.isOfStore() ? ", store slots " : ", blocks ") + Arrays.toString(blocks)
                    + ", host slots " + Arrays.toString(slots);
        }
    }

    private static boolean meet(int[] some, int[] others) {
        return Arrays.stream(some).anyMatch(one -> Arrays.stream(others).anyMatch(other -> other == one));
    }

    /** The first blocks of a transfer. */
    private record FirstOf(Transfer transfer, int size) implements Transfer {

        @Override
        public Direction direction() {
            return transfer.direction();
        }

        @Override
        public int replica() {
            return transfer.replica();
        }

        @Override
        public int block(int index) {
            return transfer.block(Objects.checkIndex(index, size));
        }

        @Override
        public int slot(int index) {
            return transfer.slot(Objects.checkIndex(index, size));
        }

        @Override
        public BlockHash name(int index) {
            return transfer.name(Objects.checkIndex(index, size));
        }
    }
}
