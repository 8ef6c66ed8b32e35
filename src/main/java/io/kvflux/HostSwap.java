package io.kvflux;

import io.kvflux.tier.Transfer;
import io.kvflux.tier.connector.Connector;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the core wants carried, from its saying so until it has landed. Of the loop. */
final class HostSwap {

    private final Connector connector;
    private final Deque<Transfer> waiting = new ArrayDeque<>();
    private final List<Integer> erasing = new ArrayList<>();
    private @Nullable Shell shell;
    private int inFlight;

    HostSwap(Connector connector) {
        this.connector = connector;
    }

    void of(Shell owner) {
        shell = owner;
    }

    Connector connector() {
        return connector;
    }

    /** The core wants blocks copied. */
    void add(Transfer transfer) {
        waiting.add(transfer);
    }

    /**
     * Begins what waits, after the batches of the steps planned before. What a block is filled with must come before what is
     * brought back to it, and a batch that fails is repeated, so nothing is begun while blocks are being filled.
     */
    void begin(StepMemory memory, boolean filling) {
        beginErasing();
        while (!filling && !waiting.isEmpty()) {
            Transfer transfer = waiting.remove();
            if (transfer.direction() == Transfer.Direction.ONLOAD) {
                memory.leaveOut(transfer);
            }
            Landing landing = new Landing(this, transfer);
            inFlight++;
            Throwable lost = owner().losses.of(transfer);
            if (lost != null) {
                landing.ended(transfer, 0, 0, lost);
                continue;
            }
            try {
                connector.begin(transfer, landing);
            } catch (RuntimeException | Error refused) {
                landing.ended(transfer, 0, 0, refused);
            }
        }
    }

    /** The content of a slot of the store is to be forgotten. */
    void erase(int storeSlot) {
        erasing.add(storeSlot);
    }

    private void beginErasing() {
        if (erasing.isEmpty()) {
            return;
        }
        List<Integer> some = List.copyOf(erasing);
        erasing.clear();
        inFlight++;
        Erasure erasure = new Erasure();
        try {
            connector.erase(some, erasure);
        } catch (RuntimeException | Error refused) {
            erasure.accept(refused);
        }
    }

    /** Slots of the store that are being emptied; the first end counts. */
    private final class Erasure extends Signal implements Consumer<@Nullable Throwable> {

        private final AtomicBoolean ended = new AtomicBoolean();
        private volatile @Nullable Throwable failure;

        @Override
        public void accept(@Nullable Throwable cause) {
            if (ended.compareAndSet(false, true)) {
                failure = cause;
                owner().loop.raise(this);
            }
        }

        @Override
        void run() {
            inFlight--;
            Throwable cause = failure;
            if (cause != null) {
                owner().notErased(cause);
            }
        }
    }

    /** Any thread. */
    void raise(Landing landing) {
        owner().loop.raise(landing);
    }

    void over(Landing landing) {
        inFlight--;
        owner().landed(landing);
    }

    private Shell owner() {
        return Objects.requireNonNull(shell);
    }

    /** Nobody will hear of what waits any more. */
    void breakOff() {
        waiting.clear();
        erasing.clear();
    }

    /** Nothing touches a block or a slot. */
    boolean idle() {
        return inFlight == 0 && waiting.isEmpty() && erasing.isEmpty();
    }

    void close() {
        connector.close();
    }
}
