package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.tier.Transfer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A device whose "KV" of a token is a hash of all tokens up to it. It reads the whole context of every entry through the
 * step's block table and compares, so a block that holds somebody else's KV, or none, is seen at once. What it samples
 * depends on that hash and the sequence, so whatever happens to memory a sequence must generate the same tokens.
 *
 * <p>It makes as many drafts as it likes of those granted, right ones and wrong ones, and accepts as many as it likes of the
 * right ones; the KV of those that it rejects, and what its drafter leaves in the slots it was granted, is garbage.
 */
final class ModelDevice {

    static final int VOCABULARY = 4;
    static final int STOP = 3;

    private record Touched(long step, int replica, SequenceId sequence, Set<Integer> blocks) {}

    /** What an entry gives: -1 as the token of one that does not sample. */
    record Answer(int token, int drafts, int accepted, int[] made) {}

    /** Where an entry that was computed really began, and how many of its drafts were not accepted. */
    private record Ran(long step, int entry, SequenceId sequence, int start, int drafts, int missing) {}

    private static final int[] NONE = {};

    private final int pageSize;
    private final long[][] slots;
    private final long[][] host;
    /** By slot: the page's name and content, which outlive the process. */
    private final Map<Integer, String> diskNames = new HashMap<>();

    private final Map<Integer, long[]> disk = new HashMap<>();
    private final SplittableRandom random;
    private long finished;
    private ModelDrafter drafter;
    /** What the entry verifies. */
    private int[] verified = NONE;

    private final List<Ran> ran = new ArrayList<>();
    /** What was drafted last. */
    private final Map<SequenceId, int[]> drafts = new HashMap<>();

    private final Deque<Touched> inFlight = new ArrayDeque<>();
    /** Tokens sampled and not yet reported, which a later step may refer to as pending. */
    private final Map<SequenceId, Deque<Integer>> pending = new HashMap<>();

    ModelDevice(int replicas, int blocks, int pageSize, int hostBlocks, SplittableRandom random) {
        this.random = random;
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

    /** Runs a step; what it gives comes back by entry. */
    Answer[] run(Step step, Map<SequenceId, ModelSequence> sequences, ModelDrafter besides) {
        drafter = besides;
        copy(step);
        Answer[] answers = new Answer[step.size()];
        for (int entry = 0; entry < step.size(); entry++) {
            answers[entry] = run(step, entry, sequences.get(step.sequence(entry)));
        }
        return answers;
    }

    /** The process begins anew: what was on devices and host is gone. */
    void restart() {
        ran.clear();
        finished = 0;
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
        int start = ran.stream()
                .filter(one -> one.step == step.number() && one.entry == entry)
                .findFirst()
                .orElseThrow()
                .start;
        int end = step.cacheLength(entry) + step.tokenCount(entry) + step.granted(entry);
        spoil(step, entry, start, end);
    }

    private void spoil(Step step, int entry, int from, int to) {
        for (int position = from; position < to; position++) {
            slots[replicaOf(step, entry)][step.block(entry, position / pageSize) * pageSize + position % pageSize]++;
        }
    }

    /** What a replica had is garbage. */
    void lose(int replica) {
        Arrays.fill(slots[replica], -7);
    }

    /** What an entry of a step that ran gave counts for nothing: its sequence computes that again. */
    void voided(Step step, int entry) {
        if (step.samples(entry)) {
            pending.remove(step.sequence(entry));
        }
        ran.replaceAll(one -> one.step == step.number() && one.entry == entry
                ? new Ran(one.step, one.entry, one.sequence, one.start, 0, 0)
                : one);
    }

    void finished(long step) {
        inFlight.removeIf(touched -> touched.step == step);
        ran.removeIf(one -> one.step < step); // the step itself may still turn out to have failed
        finished = step;
    }

    void reported(SequenceId id) {
        pending.get(id).removeFirst();
    }

    void forget(SequenceId id) {
        pending.remove(id);
        drafts.remove(id);
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

    private Answer run(Step step, int entry, ModelSequence sequence) {
        Deque<Integer> unreported = pending.computeIfAbsent(sequence.id, id -> new ArrayDeque<>());
        int[] known = Arrays.copyOf(sequence.tokens, sequence.length + unreported.size());
        int at = sequence.length;
        for (int token : unreported) {
            known[at++] = token;
        }
        int start = start(step, entry, known.length, sequence.id);
        int end = start + step.tokenCount(entry) - step.drafts(entry);
        touch(step, entry, sequence.id);
        long chain = root(sequence.salt);
        for (int position = 0; position < end; position++) {
            chain = chain(chain, known[position]);
            if (position < start) {
                assertThat(slots[replicaOf(step, entry)][slot(step, entry, position)])
                        .as("KV of position %d of %s at step %d", position, sequence.id, step.number())
                        .isEqualTo(chain);
            } else {
                checkToken(step.token(entry, position - start), position, known, sequence);
                write(step, entry, position, chain, sequence.id);
            }
        }
        if (!step.samples(entry)) {
            ran.add(new Ran(step.number(), entry, sequence.id, start, 0, 0));
            return new Answer(-1, 0, 0, NONE);
        }
        assertThat(end).as("a sampled token follows all that are known").isEqualTo(known.length);
        int accepted = verify(step, entry, chain, end, unreported, sequence);
        for (int i = 0; i < accepted; i++) {
            chain = chain(chain, verified[i]);
        }
        int token = sample(chain, sequence.id);
        unreported.addLast(token);
        ran.add(new Ran(step.number(), entry, sequence.id, start, step.drafts(entry), step.drafts(entry) - accepted));
        int[] made = draft(step, entry, end + accepted, chain(chain, token), sequence.id);
        return new Answer(token, step.drafts(entry), accepted, made);
    }

    /** An entry begins as many positions earlier as drafts of steps in flight were not accepted. */
    private int start(Step step, int entry, int known, SequenceId id) {
        int unverified = 0;
        int missing = 0;
        for (Ran one : ran) {
            boolean counts = !step.isPrefill(entry) && one.step > finished && one.sequence.equals(id);
            unverified += counts ? one.drafts : 0;
            missing += counts ? one.missing : 0;
        }
        assertThat(step.unverified(entry)).isEqualTo(unverified);
        if (!step.isPrefill(entry)) {
            assertThat(step.cacheLength(entry) - missing).isEqualTo(known - 1);
        }
        return step.cacheLength(entry) - missing;
    }

    private int slot(Step step, int entry, int position) {
        int slot = step.block(entry, position / pageSize) * pageSize + position % pageSize;
        assertThat(slot).as("the null block is never used").isGreaterThanOrEqualTo(pageSize);
        return slot;
    }

    private void write(Step step, int entry, int position, long content, SequenceId id) {
        int replica = replicaOf(step, entry);
        checkNobodyElseUses(step, replica, step.block(entry, position / pageSize), id);
        slots[replica][slot(step, entry, position)] = content;
    }

    private void touch(Step step, int entry, SequenceId id) {
        Set<Integer> blocks = new HashSet<>();
        for (int i = 0; i < step.blockCount(entry); i++) {
            blocks.add(step.block(entry, i));
        }
        inFlight.add(new Touched(step.number(), replicaOf(step, entry), id, blocks));
        drafter.checkSlots(step, entry);
    }

    /** Writes the KV of the drafts; the first of those that are right are accepted, or fewer. */
    private int verify(Step step, int entry, long before, int end, Deque<Integer> unreported, ModelSequence sequence) {
        verified = drafts.getOrDefault(sequence.id, NONE);
        long chain = before;
        int right = 0;
        boolean known = end <= sequence.length;
        if (drafter.isAsked(sequence.id) && step.drafts(entry) > 0 && given(step, entry)[0] != Step.PENDING_TOKEN) {
            verified = given(step, entry);
            known = true;
        }
        int[] made = verified;
        for (int i = 0; i < step.drafts(entry); i++) {
            int given = step.token(entry, step.tokenCount(entry) - step.drafts(entry) + i);
            if (known) {
                assertThat(given).as("a draft that is known").isEqualTo(made[i]);
            } else {
                assertThat(given).isEqualTo(Step.PENDING_TOKEN);
            }
            if (i >= made.length) {
                continue;
            }
            right += right == i && made[i] == sample(chain, sequence.id) ? 1 : 0;
            chain = chain(chain, made[i]);
            write(step, entry, end + i, chain, sequence.id);
        }
        int accepted = random.nextInt(4) == 0 ? random.nextInt(right + 1) : right;
        for (int i = 0; i < accepted; i++) {
            unreported.addLast(made[i]);
        }
        return accepted;
    }

    private static int[] given(Step step, int entry) {
        int[] given = new int[step.drafts(entry)];
        for (int i = 0; i < given.length; i++) {
            given[i] = step.token(entry, step.tokenCount(entry) - given.length + i);
        }
        return given;
    }

    /** Drafts, and leaves garbage where the KV of the sampled token and of the drafts but the last one goes. */
    private int[] draft(Step step, int entry, int length, long before, SequenceId id) {
        int granted = step.granted(entry);
        int[] made = granted == 0 ? NONE : new int[random.nextInt(4) == 0 ? random.nextInt(granted + 1) : granted];
        long chain = before;
        for (int i = 0; i < made.length; i++) {
            made[i] = random.nextInt(4) == 0 ? random.nextInt(VOCABULARY) : sample(chain, id);
            chain = chain(chain, made[i]);
        }
        for (int i = 0; i < granted; i++) {
            write(step, entry, length + i, -3, id);
        }
        drafts.put(id, made);
        return made;
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
