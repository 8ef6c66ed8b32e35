package io.kvflux.tier.disk;

import static io.kvflux.tier.disk.Pages.hash;

import io.kvflux.api.BlockHash;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongFunction;
import java.util.stream.Stream;

/**
 * Has a process die before each access that an operation makes to the files, one after another, and then in every moment of
 * the recovery as well; then every page must be the old one, the new one or none, and nothing must look damaged. For a loader that has
 * {@link Crash} in the mapping of files, so it is made and called through types of the JDK.
 */
public final class CrashHunt implements LongFunction<String> {

    private static final SegmentPlan PLAN = Pages.plan(5000, 5, 3);
    private static final int SLOT = 1;
    private static final BlockHash OLD = hash(SLOT);
    private static final BlockHash NEW = hash(100);

    /** What dies. */
    private interface Operation {
        void on(DiskStore store);
    }

    private static final Map<String, Operation> OPERATIONS = new TreeMap<>(Map.of(
            "a write over a page", store -> Pages.write(store, SLOT, NEW),
            "a write of the same page again", store -> Pages.write(store, SLOT, OLD),
            "a write to a slot that was erased",
                    store -> {
                        store.erase(SLOT);
                        Pages.write(store, SLOT, NEW);
                    },
            "an erasure", store -> store.erase(SLOT)));

    /** Deaths so far; more than a few show that it hunts at all. */
    private int deaths;

    /** Public for the loader. */
    public CrashHunt() {}

    /** {@return what dying in any moment brings to light, or null; the number does not matter} */
    @Override
    public String apply(long number) {
        for (Map.Entry<String, Operation> operation : OPERATIONS.entrySet()) {
            boolean died = true;
            for (int accesses = 0; died; accesses++) {
                int before = deaths;
                try {
                    died = dieAfter(accesses, operation.getValue(), false);
                    dieAfter(accesses, operation.getValue(), true);
                } catch (AssertionError | RuntimeException wrong) {
                    return operation.getKey() + ", the last of " + (deaths - before) + " deaths, the first after "
                            + accesses + " accesses: " + wrong.getMessage();
                } finally {
                    Crash.never();
                }
            }
        }
        return null;
    }

    /** {@return deaths, as text} */
    @Override
    public String toString() {
        return Integer.toString(deaths);
    }

    private boolean dieAfter(int accesses, Operation operation, boolean inRecoveryToo) {
        Path directory = directory();
        try {
            DiskStore store = Pages.open(directory, PLAN);
            for (int slot = 0; slot < PLAN.slots(); slot++) {
                Pages.write(store, slot, hash(slot));
            }
            boolean died = dies(accesses, () -> operation.on(store));
            store.close(); // as the operating system does
            if (!died) {
                return false;
            }
            for (int more = 0;
                    inRecoveryToo
                            && dies(more, () -> Pages.open(directory, PLAN).close());
                    more++) {
                // Each gets one access further.
            }
            check(directory);
            return true;
        } finally {
            delete(directory);
        }
    }

    private boolean dies(int accesses, Runnable action) {
        try {
            Crash.after(accesses);
            action.run();
            return false;
        } catch (Crash.Death death) {
            deaths++;
            return true;
        } finally {
            Crash.never();
        }
    }

    private static void check(Path directory) {
        try (DiskStore store = Pages.open(directory, PLAN)) {
            DiskRecovery found = store.recovery();
            require(found.corrupt() + found.damagedSegments() + found.foreignFiles() == 0 && found.torn() <= 1, found);
            for (int slot = 0; slot < PLAN.slots(); slot++) {
                List<DiskRead> reads = List.of(Pages.read(store, slot, hash(slot)), Pages.read(store, slot, NEW));
                require(!reads.contains(DiskRead.CORRUPT), "slot " + slot + " is damaged");
                require(slot == SLOT || reads.get(0) == DiskRead.HIT, "slot " + slot + " lost its page");
            }
            require(Pages.write(store, SLOT, NEW) == DiskWrite.WRITTEN, "no room");
            require(Pages.read(store, SLOT, NEW) == DiskRead.HIT, "what is written then is not there");
        }
    }

    private static void require(boolean holds, Object what) {
        if (!holds) {
            throw new AssertionError(what.toString());
        }
    }

    private static Path directory() {
        try {
            return Files.createTempDirectory("kvflux-crash-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
