package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EntriesTest {

    private final Entries entries = new Entries(1);

    @Test
    void anEntryBeginsHeldAndUnused() {
        int entry = entries.add(9, 1234);
        assertThat(entry).isNotEqualTo(Runs.NONE);
        assertThat(entries.state[entry]).isEqualTo(Entries.HELD);
        assertThat(entries.run[entry]).isEqualTo(9);
        assertThat(entries.fingerprint[entry]).isEqualTo(1234);
        assertThat(entries.ghost(1234)).as("only ghosts are found").isEqualTo(Runs.NONE);
        assertThat(entries.ghosts()).isZero();
    }

    @Test
    void oneThatIsUsedAgainKeepsNothingOfWhatItWas() {
        int entry = entries.add(9, 1234);
        entries.uses[entry] = 3;
        entries.cell[entry] = 17;
        entries.leaf[entry] = true;
        entries.spare[entry] = true;
        entries.since[entry] = 99;
        entries.underLru[entry] = 5;
        entries.remove(entry);
        assertThat(entries.state[entry]).isEqualTo(Entries.GONE);
        assertThat(entries.add(8, 4321)).isEqualTo(entry);
        assertThat(entries.uses[entry]).isZero();
        assertThat(entries.cell[entry]).isZero();
        assertThat(entries.leaf[entry]).isFalse();
        assertThat(entries.spare[entry]).isFalse();
        assertThat(entries.since[entry]).isZero();
        assertThat(entries.underLru[entry]).isZero();
    }

    @Test
    void aGhostKeepsWhatWasKnownOfItsRun() {
        int entry = entries.add(9, 0);
        entries.uses[entry] = 3;
        entries.bury(entry);
        assertThat(entries.ghosts()).isOne();
        assertThat(entries.state[entry]).isEqualTo(Entries.GHOST);
        assertThat(entries.run[entry]).isEqualTo(Runs.NONE);
        assertThat(entries.ghost(0)).as("a fingerprint may be 0").isEqualTo(entry);
        assertThat(entries.ghost(1)).isEqualTo(Runs.NONE);
        entries.wake(entry);
        assertThat(entries.state[entry]).isEqualTo(Entries.HELD);
        assertThat(entries.uses[entry]).isEqualTo(3);
        assertThat(entries.ghost(0)).isEqualTo(Runs.NONE);
        assertThat(entries.ghosts()).isZero();
    }

    /** The table of ghosts is searched from a place that the upper bits of the product with a key give; here it wraps around its end. */
    @Test
    void ghostsOfOnePlaceAreFoundWhicheverOfThemLeaves() {
        for (int leaves = 0; leaves < 5; leaves++) {
            Entries crowded = new Entries(1);
            int[] ghosts = new int[5];
            for (int i = 0; i < ghosts.length; i++) {
                ghosts[i] = crowded.add(i + 1, print(i < 3 ? -1 : 0, i));
                crowded.bury(ghosts[i]);
            }
            crowded.wake(ghosts[leaves]);
            for (int i = 0; i < ghosts.length; i++) {
                assertThat(crowded.ghost(print(i < 3 ? -1 : 0, i)))
                        .as("%d left, %d is looked for", leaves, i)
                        .isEqualTo(i == leaves ? Runs.NONE : ghosts[i]);
            }
        }
    }

    /** Whoever knows how fingerprints are made could give many the same upper bits, or the same lower ones. */
    @Test
    void whatLooksAlikeIsSpread() throws ReflectiveOperationException {
        Entries keyed = new Entries();
        Field field = Entries.class.getDeclaredField("slots");
        field.setAccessible(true);
        for (int i = 0; i < 10_000; i++) {
            keyed.bury(keyed.add(i + 1, i < 5_000 ? print(1, i) : print(i, 1)));
        }
        int longest = 0;
        int length = 0;
        for (int slot : (int[]) field.get(keyed)) {
            length = slot == Runs.NONE ? 0 : length + 1;
            longest = Math.max(longest, length);
        }
        assertThat(longest).as("slots side by side that are taken").isLessThan(200);
    }

    private static long print(int place, int number) {
        return (long) place << 32 | number;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void itAgreesWithMaps(long seed) {
        System.out.println("EntriesTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Map<Long, Integer> ghosts = new HashMap<>();
        Map<Integer, Long> runs = new HashMap<>(); // entries of runs, by what they were marked with
        for (int i = 0; i < 20_000; i++) {
            long print = print(random.nextInt(6) << 29, random.nextInt(60)); // most places are taken several times
            switch (random.nextInt(4)) {
                case 0 -> {
                    int entry = entries.add(i + 1, print);
                    assertThat(runs).as("seed %d, operation %d", seed, i).doesNotContainKey(entry);
                    assertThat(ghosts.values()).doesNotContain(entry);
                    entries.since[entry] = i;
                    runs.put(entry, (long) i);
                }
                case 1 ->
                    pick(random, runs).ifPresent(entry -> {
                        if (!ghosts.containsKey(entries.fingerprint[entry])) {
                            entries.bury(entry);
                            ghosts.put(entries.fingerprint[entry], entry);
                            runs.remove(entry);
                        }
                    });
                case 2 -> {
                    Integer ghost = ghosts.remove(print);
                    if (ghost != null) {
                        entries.wake(ghost);
                        runs.put(ghost, entries.since[ghost]);
                    }
                }
                default ->
                    pick(random, runs).ifPresent(entry -> {
                        if (random.nextInt(8) > 0) {
                            entries.remove(entry);
                            runs.remove(entry);
                        }
                    });
            }
            assertThat(entries.ghosts()).as("seed %d, operation %d", seed, i).isEqualTo(ghosts.size());
            assertThat(entries.ghost(print))
                    .as("seed %d, operation %d", seed, i)
                    .isEqualTo(ghosts.getOrDefault(print, Runs.NONE));
        }
        ghosts.forEach((print, entry) -> assertThat(entries.ghost(print)).isEqualTo(entry));
        runs.forEach((entry, mark) -> assertThat(entries.since[entry]).isEqualTo(mark));
    }

    private static OptionalInt pick(SplittableRandom random, Map<Integer, Long> runs) {
        if (runs.isEmpty()) {
            return OptionalInt.empty();
        }
        List<Integer> all = new ArrayList<>(runs.keySet());
        return OptionalInt.of(all.get(random.nextInt(all.size())));
    }
}
