package io.kvflux.tier.disk;

import static io.kvflux.tier.disk.Pages.hash;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockHash;
import io.kvflux.memory.chronicle.MappedRegion;
import io.kvflux.memory.chronicle.Region;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that writes pages as fast as it can is killed (SIGKILL), again and again, and what it leaves is held against
 * what it said: a line before each write and one after. When a write has ended its page must be there; one that has begun
 * may have left the page before it, its own, or none; and no slot may hold anything else.
 */
@DisabledOnOs(OS.WINDOWS)
class KillTest {

    private static final int KILLS = 54;
    /** Every so many kills begin with an empty directory, so that some hit the making of segments. */
    private static final int KILLS_PER_DIRECTORY = 6;

    private static final int THREADS = 2;
    private static final int PAYLOAD = 300_000;
    private static final SegmentPlan PLAN = Pages.plan(PAYLOAD, 22, 8);

    @TempDir
    Path folder;

    /** Page by slot, 0 for none, as far as the writer said that a write has ended. */
    private final long[] ended = new long[PLAN.slots()];

    /** The page that is being written, by slot. */
    private final Map<Integer, Long> begun = new HashMap<>();

    private int survivors;
    private int torn;
    private int inDoubt;
    private int writes;

    @Test
    @Timeout(180)
    void whatWasWrittenSurvivesAnyKill() throws Exception {
        long seed = new SplittableRandom().nextLong();
        System.out.println("KillTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Path directory = folder;
        Process next = ChildJvm.start(Writer.class);
        for (int kill = 0; kill < KILLS; kill++) {
            if (kill % KILLS_PER_DIRECTORY == 0) {
                directory = Files.createDirectory(folder.resolve("store " + kill));
                Arrays.fill(ended, 0);
            }
            // Many early kills, some late ones.
            int lines = random.nextInt(1 << random.nextInt(1, 11));
            // The next one gets ready meanwhile.
            Process writer = next;
            next = ChildJvm.start(Writer.class);
            writeAndKill(writer, directory, random.nextLong() >>> 8, lines);
            verify(directory);
        }
        next.destroyForcibly().waitFor();
        System.out.println("KillTest kills=" + KILLS + ", writes=" + writes + ", survivors=" + survivors + ", torn="
                + torn + ", inDoubt=" + inDoubt);
        assertThat(writes).isGreaterThan(KILLS);
        assertThat(survivors).isGreaterThan(KILLS);
    }

    private void writeAndKill(Process writer, Path directory, long seed, int lines) throws Exception {
        begun.clear();
        writer.getOutputStream().write((directory + "\n" + seed + "\n").getBytes(UTF_8));
        writer.getOutputStream().flush();
        try (BufferedReader said = new BufferedReader(new InputStreamReader(writer.getInputStream(), US_ASCII))) {
            assertThat(said.readLine()).isEqualTo("open");
            for (int i = 0; i < lines; i++) {
                hear(said.readLine());
            }
            // Not by the process itself, which would close its output; what it said before it died counts as well.
            writer.toHandle().destroyForcibly();
            for (String line = said.readLine(); line != null; line = said.readLine()) {
                hear(line);
            }
        } finally {
            writer.destroyForcibly().waitFor();
        }
    }

    private void hear(String line) {
        String[] words = line.split(" ", 3);
        int slot = Integer.parseInt(words[1]);
        long page = Long.parseLong(words[2]);
        if (words[0].equals("begin")) {
            begun.put(slot, page);
        } else {
            assertThat(begun.remove(slot)).isEqualTo(page);
            ended[slot] = page;
            writes++;
        }
    }

    private void verify(Path directory) {
        try (DiskStore store = Pages.open(directory, PLAN)) {
            DiskRecovery recovery = store.recovery();
            assertThat(recovery.corrupt() + recovery.stale() + recovery.damagedSegments() + recovery.foreignFiles())
                    .isZero();
            torn += recovery.torn();
            inDoubt += begun.size();
            assertThat(recovery.torn()).isLessThanOrEqualTo(begun.size());
            Map<Integer, BlockHash> recovered = new HashMap<>();
            store.forEachRecovered(recovered::put);
            survivors += recovered.size();
            for (int slot = 0; slot < store.slots(); slot++) {
                BlockHash found = recovered.get(slot);
                List<BlockHash> allowed = new ArrayList<>();
                allowed.add(name(ended[slot]));
                if (begun.containsKey(slot)) {
                    allowed.add(name(begun.get(slot)));
                    allowed.add(null);
                }
                assertThat(allowed).as("slot %s", slot).contains(found);
                if (found != null) {
                    assertThat(Pages.read(store, slot, found)).isEqualTo(DiskRead.HIT);
                }
                if (begun.containsKey(slot) && (found == null || found.equals(name(begun.get(slot))))) {
                    ended[slot] = found == null ? 0 : begun.get(slot);
                }
            }
        }
    }

    private static BlockHash name(long page) {
        return page == 0 ? null : hash(page);
    }

    /** What the process runs that is killed. */
    static final class Writer {

        private Writer() {}

        public static void main(String[] args) throws IOException {
            FileOutputStream out = new FileOutputStream(FileDescriptor.out);
            MappedRegion.requireFlags();
            BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, UTF_8));
            String directory = orders.readLine();
            if (directory == null) {
                return;
            }
            long seed = Long.parseLong(orders.readLine());
            DiskStore store = Pages.open(Path.of(directory), PLAN);
            say(out, "open\n");
            for (int thread = 0; thread < THREADS; thread++) {
                int mine = thread;
                new Thread(() -> write(store, out, seed + mine, mine)).start();
            }
        }

        private static void write(DiskStore store, FileOutputStream out, long seed, int thread) {
            SplittableRandom random = new SplittableRandom(seed);
            try (Region region = Region.allocate(PAYLOAD, 8)) {
                for (; ; ) {
                    int slot = THREADS * random.nextInt(store.slots() / THREADS) + thread;
                    long page = random.nextInt(10) == 0 ? 0 : random.nextLong() >>> 8;
                    BlockHash hash = hash(page);
                    region.write(0, Pages.bytes(hash, PAYLOAD));
                    say(out, "begin " + slot + " " + page + "\n");
                    if (page == 0) {
                        store.erase(slot);
                    } else if (store.write(slot, hash, region, 0) != DiskWrite.WRITTEN) {
                        throw new IllegalStateException("no room for the test");
                    }
                    say(out, "end " + slot + " " + page + "\n");
                }
            } catch (IOException nobodyListens) {
                Runtime.getRuntime().halt(1);
            }
        }

        /** One system call, so that a line is said whole or not at all. */
        private static void say(FileOutputStream out, String line) throws IOException {
            out.write(line.getBytes(US_ASCII));
        }
    }
}
