package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.tier.Transfer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * A device whose "KV" of a token is a hash of all tokens up to it. It reads the whole context of every entry through the
 * step's block table and compares, so a block that holds somebody else's KV, or none, is seen at once. What it samples
 * depends on that hash and the sequence, so whatever happens to memory a sequence must generate the same tokens.
 */
final class ModelDevice {

    static final int VOCABULARY = 4;
    static final int STOP = 3;

    private record Touched(long step, int replica, SequenceId sequence, Set<Integer> blocks) {}

    private final int pageSize;
    private final long[][] slots;
    private final long[][] host;
    /** By slot: the page's name and content, which outlive the process. */
    private final Map<Integer, String> diskNames = new HashMap<>();

    private final Map<Integer, long[]> disk = new HashMap<>();
    private final Deque<Touched> inFlight = new ArrayDeque<>();
    /** Tokens sampled and not yet reported, which a later step may refer to as pending. */
    private final Map<SequenceId, Deque<Integer>> pending = new HashMap<>();

    ModelDevice(int replicas, int blocks, int pageSize, int hostBlocks) {
        this.pageSize = pageSize;
        host = new long[hostBlocks][pageSize];
        slots = new long[replicas][(blocks + 1) * pageSize];
    }

    static long root(String salt) {
        return salt.hashCode();
    }

    static long chain(long before, int token) {
        long h = (before ^ (token + 0x9E3779B97F4A7C15L)) * 0xBF58476D1CE4E5B9L;
        return h ^ (h >>> 29);
    }

    /** The token that follows; about every tenth is the stop token. */
    static int sample(long chain, SequenceId id) {
        long h = chain(chain, (int) (id.value() * 31));
        return Math.floorMod(h, 10) == 0 ? STOP : Math.floorMod(h >>> 8, STOP);
    }

    /** Runs a step; the tokens sampled come back by entry, -1 where there is none. */
    int[] run(Step step, Map<SequenceId, ModelSequence> sequences) {
        copy(step);
        int[] sampled = new int[step.size()];
        for (int entry = 0; entry < step.size(); entry++) {
            sampled[entry] = run(step, entry, sequences.get(step.sequence(entry)));
        }
        return sampled;
    }

    /** The process begins anew: what was on devices and host is gone. */
    void restart() {
        for (long[] replica : slots) {
            Arrays.fill(replica, -1);
        }
        for (long[] slot : host) {
            Arrays.fill(slot, -1);
        }
    }

    void erase(int diskSlot) {
        disk.remove(diskSlot);
    }

    /** Carries out the first copies of a transfer; what the others were to write is garbage. */
    void copy(Transfer transfer, int landed) {
        if (transfer.direction().isOfStore()) {
            copyOfDisk(transfer, landed);
            return;
        }
        for (int i = 0; i < transfer.size(); i++) {
            long[] block = slots[transfer.replica()];
            long[] slot = host[transfer.slot(i)];
            int at = transfer.block(i) * pageSize;
            boolean down = transfer.direction() == Transfer.Direction.OFFLOAD;
            if (!down) {
                checkNobodyUses(transfer.replica(), transfer.block(i));
            }
            for (int offset = 0; offset < pageSize; offset++) {
                if (down) {
                    slot[offset] = i < landed ? block[at + offset] : slot[offset] + 1;
                } else {
                    block[at + offset] = i < landed ? slot[offset] : block[at + offset] + 1;
                }
            }
        }
    }

    private void copyOfDisk(Transfer transfer, int landed) {
        for (int i = 0; i < transfer.size(); i++) {
            int diskSlot = transfer.block(i);
            long[] slot = host[transfer.slot(i)];
            if (transfer.direction() == Transfer.Direction.STORE) {
                disk.remove(diskSlot);
                if (i < landed) {
                    disk.put(diskSlot, slot.clone());
                    diskNames.put(diskSlot, transfer.name(i).toString());
                }
            } else if (i < landed) {
                assertThat(diskNames.get(diskSlot)).isEqualTo(transfer.name(i).toString());
                System.arraycopy(disk.get(diskSlot), 0, slot, 0, pageSize);
            } else {
                Arrays.fill(slot, -2);
            }
        }
    }

    /** A block that is brought back must not be one that a step in flight touches. */
    private void checkNobodyUses(int replica, int block) {
        for (Touched touched : inFlight) {
            if (touched.replica == replica) {
                assertThat(touched.blocks)
                        .as("blocks of %s in step %d, in flight", touched.sequence, touched.step)
                        .doesNotContain(block);
            }
        }
    }

    /** A step failed: whatever it was to copy or compute is garbage. */
    void failed(Step step) {
        for (int i = 0; i < step.copies(); i++) {
            for (int offset = 0; offset < pageSize; offset++) {
                slots[step.copyReplica(i)][step.copyDestination(i) * pageSize + offset]++;
            }
        }
        for (int entry = 0; entry < step.size(); entry++) {
            failed(step, entry);
        }
    }

    /** One entry failed: what it was to compute is garbage. */
    void failed(Step step, int entry) {
        int start = step.cacheLength(entry);
        for (int position = start; position < start + step.tokenCount(entry); position++) {
            slots[replicaOf(step, entry)][step.block(entry, position / pageSize) * pageSize + position % pageSize]++;
        }
    }

    void finished(long step) {
        inFlight.removeIf(touched -> touched.step == step);
    }

    void reported(SequenceId id) {
        pending.get(id).removeFirst();
    }

    void forget(SequenceId id) {
        pending.remove(id);
    }

    private void copy(Step step) {
        Set<Integer> written = new HashSet<>();
        for (int i = 0; i < step.copies(); i++) {
            int replica = step.copyReplica(i);
            int to = step.copyDestination(i);
            assertThat(written.add(replica * 1_000_000 + to))
                    .as("one copy a destination")
                    .isTrue();
            System.arraycopy(slots[replica], step.copySource(i) * pageSize, slots[replica], to * pageSize, pageSize);
        }
        for (int i = 0; i < step.copies(); i++) {
            assertThat(written).doesNotContain(step.copyReplica(i) * 1_000_000 + step.copySource(i));
        }
    }

    private int run(Step step, int entry, ModelSequence sequence) {
        int replica = replicaOf(step, entry);
        int start = step.cacheLength(entry);
        int end = start + step.tokenCount(entry);
        Deque<Integer> unreported = pending.computeIfAbsent(sequence.id, id -> new ArrayDeque<>());
        int[] known = Arrays.copyOf(sequence.tokens, sequence.length + unreported.size());
        int at = sequence.length;
        for (int token : unreported) {
            known[at++] = token;
        }
        long chain = root(sequence.salt);
        for (int position = 0; position < end; position++) {
            chain = chain(chain, known[position]);
            int slot = step.block(entry, position / pageSize) * pageSize + position % pageSize;
            assertThat(slot).as("the null block is never used").isGreaterThanOrEqualTo(pageSize);
            if (position < start) {
                assertThat(slots[replica][slot])
                        .as("KV of position %d of %s at step %d", position, sequence.id, step.number())
                        .isEqualTo(chain);
            } else {
                checkToken(step.token(entry, position - start), position, known, sequence);
                checkNobodyElseUses(step, replica, step.block(entry, position / pageSize), sequence.id);
                slots[replica][slot] = chain;
            }
        }
        Set<Integer> blocks = new HashSet<>();
        for (int i = 0; i < step.blockCount(entry); i++) {
            blocks.add(step.block(entry, i));
        }
        inFlight.add(new Touched(step.number(), replica, sequence.id, blocks));
        assertThat(step.blockCount(entry)).isEqualTo((end + pageSize - 1) / pageSize);
        if (!step.samples(entry)) {
            return -1;
        }
        assertThat(end).as("a sampled token follows all that are known").isEqualTo(known.length);
        int token = sample(chain, sequence.id);
        unreported.addLast(token);
        return token;
    }

    private static void checkToken(int given, int position, int[] known, ModelSequence sequence) {
        if (position < sequence.length) {
            assertThat(given).isEqualTo(known[position]);
        } else {
            assertThat(given).isEqualTo(Step.PENDING_TOKEN);
        }
    }

    /** A block that is written must not be one that a step in flight touches for somebody else. */
    private void checkNobodyElseUses(Step step, int replica, int block, SequenceId id) {
        for (Touched touched : inFlight) {
            if (touched.step < step.number() && touched.replica == replica && !touched.sequence.equals(id)) {
                assertThat(touched.blocks)
                        .as("blocks of %s in step %d, in flight", touched.sequence, touched.step)
                        .doesNotContain(block);
            }
        }
    }

    static int replicaOf(Step step, int entry) {
        int replica = 0;
        while (entry >= step.firstEntry(replica + 1)) {
            replica++;
        }
        return replica;
    }
}
