package io.kvflux.memory.cuda;

import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotArena;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Turns a batch into copies on the streams of the devices: gathers them all, makes the streams wait for the batches in flight
 * that must come first, begins them, and leaves an event behind each stream's last. Guarded by the device.
 */
final class Copier implements CopyBatch.Work {

    /** What a batch has for one device. */
    private static final class Share {

        final CopyList down = new CopyList();
        final CopyList up = new CopyList();
        final CopyList within = new CopyList();
        final CopyList fills = new CopyList();
        /** From other devices; each run with the number of the device. */
        final CopyList peers = new CopyList();

        int[] sources = new int[4];
        byte value;

        void clear() {
            down.clear();
            up.clear();
            within.clear();
            fills.clear();
            peers.clear();
        }

        int runs() {
            return down.size() + up.size() + within.size() + fills.size() + peers.size();
        }

        boolean comesFrom(int device) {
            for (int run = 0; run < peers.size(); run++) {
                if (sources[run] == device) {
                    return true;
                }
            }
            return false;
        }

        boolean uses(int stream) {
            return switch (stream) {
                case Gpu.DOWN -> down.size() > 0;
                case Gpu.UP -> up.size() > 0 || peers.size() > 0;
                default -> within.size() > 0 || fills.size() > 0;
            };
        }
    }

    private final List<Gpu> gpus;
    private final Issuer[] issuers;
    private final Share[] shares;
    private @Nullable PinnedSlots pinned;

    Copier(List<Gpu> gpus, List<Issuer> issuers) {
        this.gpus = gpus;
        this.issuers = issuers.toArray(Issuer[]::new);
        shares = new Share[gpus.size()];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = new Share();
        }
    }

    /**
     * Begins a batch. Where that fails, the job says why, and has the events behind what was begun before.
     *
     * @param before batches in flight, in the order of submission
     * @param ofSlots what the batch's slots are pinned as; null if it has none, or they are not
     */
    void begin(CudaJob job, List<CudaJob> before, @Nullable PinnedSlots ofSlots) {
        pinned = ofSlots;
        try {
            plan(job);
            takeEvents(job);
        } catch (RuntimeException | Error refused) { // nothing was begun
            job.failed(refused);
            putBackEvents(job);
            return;
        }
        try {
            for (CudaJob earlier : before) {
                if (earlier.batch().conflictsWith(job.batch())) {
                    waitFor(earlier, job);
                }
            }
            for (int i = 0; i < shares.length; i++) {
                issue(i, job);
            }
            for (int i = 0; i < shares.length; i++) {
                issuePeers(i);
            }
        } catch (RuntimeException | Error refused) {
            job.failed(refused);
        }
        for (int i = 0; i < shares.length; i++) {
            recordEvents(i, job);
        }
    }

    private void takeEvents(CudaJob job) {
        for (int i = 0; i < shares.length; i++) {
            Gpu gpu = gpus.get(i);
            for (int stream = 0; stream < Gpu.STREAMS; stream++) {
                if (shares[i].uses(stream)) {
                    gpu.enter();
                    try {
                        job.event(i, stream, gpu.takeEvent());
                    } finally {
                        gpu.leave();
                    }
                }
            }
        }
    }

    private void putBackEvents(CudaJob job) {
        for (int i = 0; i < shares.length; i++) {
            for (int stream = 0; stream < Gpu.STREAMS; stream++) {
                long event = job.event(i, stream);
                if (event != 0) {
                    gpus.get(i).putBackEvent(event);
                    job.event(i, stream, 0);
                }
            }
        }
    }

    /** The end of what was begun must be known, whatever happens. */
    private void recordEvents(int device, CudaJob job) {
        Gpu gpu = gpus.get(device);
        for (int stream = 0; stream < Gpu.STREAMS; stream++) {
            long event = job.event(device, stream);
            if (event == 0) {
                continue;
            }
            try {
                gpu.enter();
                try {
                    gpu.record(event, stream);
                } finally {
                    gpu.leave();
                }
            } catch (RuntimeException refused) {
                job.failed(refused);
                gpu.settle(stream);
                gpu.putBackEvent(event);
                job.event(device, stream, 0);
            }
        }
    }

    /** Gathers the copies of a batch; how many runs there are. */
    int plan(CudaJob job) {
        for (Share share : shares) {
            share.clear();
        }
        job.batch().forEach(this);
        int runs = 0;
        for (Share share : shares) {
            runs += share.runs();
        }
        return runs;
    }

    private void waitFor(CudaJob earlier, CudaJob job) {
        for (int i = 0; i < shares.length; i++) {
            job.waitsFor[i] |= earlier.waitsFor[i] || earlier.hasEvents(i);
        }
        for (int i = 0; i < shares.length; i++) {
            for (int stream = 0; stream < Gpu.STREAMS; stream++) {
                if (shares[i].uses(stream)) {
                    waitFor(earlier, i, stream);
                }
            }
        }
    }

    private void waitFor(CudaJob earlier, int device, int stream) {
        Gpu gpu = gpus.get(device);
        gpu.enter();
        try {
            for (int other = 0; other < shares.length; other++) {
                for (int before = 0; before < Gpu.STREAMS; before++) {
                    long event = earlier.event(other, before);
                    if (event != 0 && (other != device || before != stream)) { // a stream waits for itself anyway
                        gpu.check(Driver.cuStreamWaitEvent(gpu.stream(stream), event, 0), "cuStreamWaitEvent");
                    }
                }
            }
        } finally {
            gpu.leave();
        }
    }

    private void issue(int device, CudaJob job) {
        Share share = shares[device];
        if (!share.uses(Gpu.DOWN) && !share.uses(Gpu.WITHIN) && share.up.size() == 0) {
            return;
        }
        Gpu gpu = gpus.get(device);
        Issuer issuer = issuers[device];
        gpu.enter();
        try {
            boolean reaches = pinned != null;
            long shift = pinned == null ? 0 : pinned.shift(device);
            issuer.fill(share.fills, share.value, job);
            issuer.copy(Issuer.Kind.WITHIN, share.within, true, 0, job);
            issuer.copy(Issuer.Kind.DOWN, share.down, reaches, shift, job);
            issuer.copy(Issuer.Kind.UP, share.up, reaches, shift, job);
        } finally {
            gpu.leave();
        }
    }

    /** What came up to one device goes on to others from there. */
    private void issuePeers(int device) {
        Share share = shares[device];
        if (share.peers.size() == 0) {
            return;
        }
        Gpu gpu = gpus.get(device);
        for (int source = 0; source < shares.length; source++) {
            if (source != device && share.comesFrom(source)) {
                gpu.order(Gpu.UP, gpus.get(source), Gpu.UP);
            }
        }
        gpu.enter();
        try {
            for (int run = 0; run < share.peers.size(); run++) {
                long bytes = share.peers.bytes(run);
                gpu.check(
                        Driver.cuMemcpyPeerAsync(
                                share.peers.to(run, 0),
                                gpu.context(),
                                share.peers.from(run, 0),
                                gpus.get(share.sources[run]).context(),
                                bytes,
                                gpu.stream(Gpu.UP)),
                        "cuMemcpyPeerAsync",
                        bytes);
            }
        } finally {
            gpu.leave();
        }
    }

    private Share share(CudaArena arena) {
        return shares[indexOf(arena)];
    }

    private int indexOf(CudaArena arena) {
        return gpus.indexOf(arena.gpu());
    }

    @Override
    public void fill(PageArena arena, int page, int count, byte value) {
        CudaArena own = (CudaArena) arena;
        Share share = share(own);
        share.value = value;
        share.fills.add(0, 0, own.address(page), 0, own.strideBytes() * count, 1);
    }

    @Override
    public void copy(PageArena arena, int source, int destination, int count) {
        CudaArena own = (CudaArena) arena;
        share(own).within.add(own.address(source), 0, own.address(destination), 0, own.strideBytes() * count, 1);
    }

    @Override
    public void offload(PageArena arena, int page, SlotArena slots, int slot, long offset, int count) {
        CudaArena own = (CudaArena) arena;
        long bytes = own.spec().pageBytes();
        Objects.checkFromIndexSize(offset, bytes, slots.slotBytes());
        slots.address(slot + count - 1); // is there
        long to = slots.address(slot) + offset;
        CopyList down = share(own).down;
        if (isOnePiece(own, slots)) {
            down.add(own.address(page), 0, to, 0, own.strideBytes() * (count - 1) + bytes, 1);
        } else {
            down.add(own.address(page), own.strideBytes(), to, slots.strideBytes(), bytes, count);
        }
    }

    @Override
    public void onload(SlotArena slots, int slot, long offset, PageArena arena, int page, int count) {
        CudaArena own = (CudaArena) arena;
        long bytes = own.spec().pageBytes();
        Objects.checkFromIndexSize(offset, bytes, slots.slotBytes());
        slots.address(slot + count - 1); // is there
        long from = slots.address(slot) + offset;
        CopyList up = share(own).up;
        if (isOnePiece(own, slots)) {
            up.add(from, 0, own.address(page), 0, own.strideBytes() * (count - 1) + bytes, 1);
        } else {
            up.add(from, slots.strideBytes(), own.address(page), own.strideBytes(), bytes, count);
        }
    }

    @Override
    public void spread(PageArena from, SlotArena slots, int slot, long offset, PageArena arena, int page, int count) {
        CudaArena own = (CudaArena) arena;
        CudaArena source = (CudaArena) from;
        Share share = share(own);
        long bytes = own.strideBytes() * (count - 1) + own.spec().pageBytes();
        if (share.sources.length == share.peers.size()) {
            share.sources = Arrays.copyOf(share.sources, 2 * share.sources.length);
        }
        share.sources[share.peers.size()] = indexOf(source);
        share.peers.add(source.address(page), 0, own.address(page), 0, bytes, 1);
    }

    /** Whether pages and slots that stand one after another do so alike: what is between them is nobody's. */
    private static boolean isOnePiece(CudaArena arena, SlotArena slots) {
        return slots.strideBytes() == arena.strideBytes()
                && slots.slotBytes() == arena.spec().pageBytes();
    }
}
