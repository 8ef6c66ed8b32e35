package io.kvflux.tier.disk;

import static io.kvflux.tier.disk.Pages.hash;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several threads, each with slots of its own that lie between those of the others. */
@Timeout(60)
class ConcurrencyTest {

    private static final int THREADS = 4;
    private static final int PAYLOAD = 3000;
    private static final SegmentPlan PLAN = Pages.plan(PAYLOAD, 64, 10);

    @TempDir
    Path folder;

    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    @Test
    void threadsWithSlotsOfTheirOwnDoNotDisturbEachOther() throws Exception {
        long[] last = new long[PLAN.slots()];
        try (DiskStore store = Pages.open(folder, PLAN)) {
            List<Future<?>> running = new ArrayList<>();
            for (int thread = 0; thread < THREADS; thread++) {
                int mine = thread;
                running.add(threads.submit(() -> use(store, mine, last)));
            }
            for (Future<?> each : running) {
                each.get();
            }
            assertThat(store.counts().corrupt()).isZero();
            assertThat(store.counts().noRoom()).isZero();
        }
        try (DiskStore store = Pages.open(folder, PLAN)) {
            for (int slot = 0; slot < last.length; slot++) {
                assertThat(Pages.read(store, slot, hash(last[slot])))
                        .isEqualTo(last[slot] == 0 ? DiskRead.MISSING : DiskRead.HIT);
            }
        }
    }

    private static void use(DiskStore store, int thread, long[] last) {
        SplittableRandom random = new SplittableRandom(thread);
        for (int i = 1; i <= 2000; i++) {
            int slot = THREADS * random.nextInt(store.slots() / THREADS) + thread;
            switch (random.nextInt(8)) {
                case 0 -> {
                    store.erase(slot);
                    last[slot] = 0;
                }
                case 1, 2, 3 -> {
                    last[slot] = (long) THREADS * i + thread;
                    assertThat(Pages.write(store, slot, hash(last[slot]))).isEqualTo(DiskWrite.WRITTEN);
                }
                default ->
                    assertThat(Pages.read(store, slot, hash(last[slot])))
                            .isEqualTo(last[slot] == 0 ? DiskRead.MISSING : DiskRead.HIT);
            }
        }
    }

    /** A store that is closed in the middle of everything: calls end well, or find it closed. */
    @Test
    void closingWaitsForTheCallsAtWork() throws Exception {
        for (int round = 0; round < 20; round++) {
            DiskStore store = Pages.open(folder, PLAN);
            AtomicLong calls = new AtomicLong();
            List<Future<?>> running = new ArrayList<>();
            for (int thread = 0; thread < THREADS - 1; thread++) {
                int mine = thread;
                running.add(threads.submit(() -> {
                    for (int i = 0; ; i++) {
                        int slot = THREADS * (i % (store.slots() / THREADS)) + mine;
                        try {
                            Pages.write(store, slot, hash(slot));
                            assertThat(Pages.read(store, slot, hash(slot))).isEqualTo(DiskRead.HIT);
                        } catch (IllegalStateException closed) {
                            assertThat(closed).hasMessageStartingWith("the disk store is closed");
                            return;
                        }
                        calls.incrementAndGet();
                    }
                }));
            }
            while (calls.get() < 10L * round) {
                Thread.onSpinWait();
            }
            store.close();
            for (Future<?> each : running) {
                each.get();
            }
        }
    }
}
