package io.kvflux.tier;

import io.kvflux.api.BlockHash;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A million random operations on an index against a {@link LinkedHashMap} of stored pages, least recent first, with the
 * whole structure verified after every one. Names are few and share their first words, so that cells collide.
 */
class HashIndexModelTest {

    private static final int OPERATIONS = 250_000;
    private static final int NAMES = 40;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void theIndexAgreesWithALinkedHashMap(long seed) {
        System.out.println("HashIndexModelTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int slots : new int[] {1, 2, 7, 16, 24}) {
            new Run(random, slots).drive(OPERATIONS / 5);
        }
    }

    private static final class Run {

        final SplittableRandom random;
        final HashIndex index;
        final BlockHash[] names = new BlockHash[NAMES];
        /** Stored and not pinned, least recent first. */
        final LinkedHashMap<BlockHash, Integer> unpinned = new LinkedHashMap<>();

        final Map<BlockHash, Integer> pinned = new HashMap<>();
        final Map<BlockHash, Integer> reserved = new HashMap<>();
        /** By slot; also of pages that were dropped while pinned. */
        final int[] pins;

        final List<Integer> doomed = new ArrayList<>();
        final List<Integer> withdrawn = new ArrayList<>();
        final boolean[] free;

        Run(SplittableRandom random, int slots) {
            this.random = random;
            index = new HashIndex(slots, random.nextLong());
            pins = new int[slots];
            free = new boolean[slots];
            Arrays.fill(free, true);
            for (int i = 0; i < NAMES; i++) {
                byte[] bytes = new byte[BlockHash.BYTES];
                bytes[0] = (byte) (i % 3);
                bytes[8 * (i % 4) + 7] = (byte) i;
                names[i] = new BlockHash(bytes);
            }
        }

        void drive(int operations) {
            for (int i = 0; i < operations; i++) {
                operate(names[random.nextInt(NAMES)]);
                index.verify();
                compare();
            }
        }

        void operate(BlockHash name) {
            Integer at = slotOf(name);
            switch (random.nextInt(16)) {
                case 0, 1, 2, 3, 4 -> reserve(name);
                case 5, 6, 7 -> publishAny();
                case 8, 9 -> touch(name, at);
                case 10, 11 -> pin(name, at);
                case 12, 13 -> unpinAny();
                case 14 -> drop(name, at);
                default -> rarely(name);
            }
        }

        Integer slotOf(BlockHash name) {
            Integer at = unpinned.containsKey(name) ? unpinned.get(name) : pinned.get(name);
            check(Objects.requireNonNullElse(at, HashIndex.NONE) == index.find(name), "find", name);
            return at;
        }

        void reserve(BlockHash name) {
            int slot = index.reserve(name);
            BlockHash dropped = index.dropped();
            if (slotOf(name) != null || reserved.containsKey(name)) {
                check(slot == HashIndex.KNOWN && dropped == null, "known", name);
            } else if (freeSlots() > 0) {
                check(free[slot] && dropped == null, "free first", slot);
                free[slot] = false;
                reserved.put(name, slot);
            } else if (unpinned.isEmpty()) {
                check(slot == HashIndex.NONE && dropped == null, "none", slot);
            } else {
                Iterator<Map.Entry<BlockHash, Integer>> oldest =
                        unpinned.entrySet().iterator();
                Map.Entry<BlockHash, Integer> victim = oldest.next();
                check(slot == victim.getValue() && victim.getKey().equals(dropped), "least recent", slot);
                oldest.remove();
                reserved.put(name, slot);
            }
        }

        void publishAny() {
            if (!reserved.isEmpty()) {
                BlockHash name = reserved.keySet().iterator().next();
                int slot = reserved.remove(name);
                index.publish(slot);
                unpinned.put(name, slot);
            }
        }

        void touch(BlockHash name, Integer at) {
            if (at != null) {
                index.touch(at);
                if (unpinned.remove(name) != null) {
                    unpinned.put(name, at);
                }
            }
        }

        void pin(BlockHash name, Integer at) {
            if (at != null) {
                index.pin(at);
                pins[at]++;
                unpinned.remove(name);
                pinned.put(name, at);
            }
        }

        void unpinAny() {
            int first = random.nextInt(pins.length);
            for (int i = 0; i < pins.length; i++) {
                int slot = (first + i) % pins.length;
                if (pins[slot] > 0) {
                    unpin(slot);
                    return;
                }
            }
        }

        void unpin(int slot) {
            index.unpin(slot);
            if (--pins[slot] > 0) {
                return;
            }
            if (doomed.remove((Integer) slot)) {
                free[slot] = true;
                return;
            }
            BlockHash name = pinned.entrySet().stream()
                    .filter(entry -> entry.getValue() == slot)
                    .findFirst()
                    .orElseThrow()
                    .getKey();
            pinned.remove(name);
            unpinned.put(name, slot);
        }

        void drop(BlockHash name, Integer at) {
            if (at != null) {
                index.drop(at);
                unpinned.remove(name);
                if (pinned.remove(name) == null) {
                    free[at] = true;
                } else {
                    doomed.add(at);
                }
            } else if (reserved.containsKey(name)) {
                int slot = reserved.remove(name);
                index.drop(slot);
                free[slot] = true;
            }
        }

        void rarely(BlockHash name) {
            if (reserved.containsKey(name)) {
                int slot = reserved.remove(name);
                index.withdraw(slot);
                withdrawn.add(slot);
            } else if (random.nextInt(4) == 0) {
                check(index.readmit() == withdrawn.size(), "readmitted", withdrawn);
                withdrawn.forEach(slot -> free[slot] = true);
                withdrawn.clear();
            } else if (!pinned.containsKey(name)) {
                restore(name);
            }
        }

        void restore(BlockHash name) {
            for (int slot = 0; slot < free.length; slot++) {
                if (free[slot]) {
                    int older = index.restore(slot, name);
                    Integer expected = unpinned.remove(name);
                    check(older == Objects.requireNonNullElse(expected, HashIndex.NONE), "older", name);
                    if (expected != null) {
                        free[expected] = true;
                    }
                    free[slot] = false;
                    unpinned.put(name, slot);
                    return;
                }
            }
        }

        int freeSlots() {
            int count = 0;
            for (boolean each : free) {
                count += each ? 1 : 0;
            }
            return count;
        }

        void compare() {
            check(index.free() == freeSlots(), "free", index.free());
            check(index.stored() == unpinned.size() + pinned.size(), "stored", index.stored());
            check(index.reserved() == reserved.size(), "reserved", index.reserved());
            check(index.withdrawn() == withdrawn.size(), "withdrawn", index.withdrawn());
            check(
                    index.free() + index.stored() + index.reserved() + index.withdrawn() + doomed.size()
                            == index.slots(),
                    "slots",
                    index.slots());
        }

        static void check(boolean holds, String what, Object value) {
            if (!holds) {
                throw new AssertionError(what + " " + value);
            }
        }
    }
}
