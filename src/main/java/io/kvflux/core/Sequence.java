package io.kvflux.core;

import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.block.BlockTable;
import io.kvflux.block.PageKeys;
import io.kvflux.block.PrefixScope;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One sequence: its tokens, how far their KV has come, and where it stands.
 *
 * <pre>
 *   tokens    |-- prompt --|-- generated --|.. pending ..|
 *             0        promptLength      length     length + pending
 *   KV        |-- computed --|-- in issued steps --|
 *             0              |                  scheduled
 * </pre>
 *
 * Drafts that an issued step verifies count as accepted: they are pending, and their KV is scheduled. Those that are not
 * accepted are taken off both when the result is in. While scheduled &lt; prefillTarget it prefills in chunks; after that it decodes, and then scheduled + 1 = length + pending
 * always: the last token has no KV yet.
 */
final class Sequence {

    enum State {
        /** In the queue, or parked because its consumer pauses; holds no block. */
        WAITING,
        /** Admitted; holds blocks of one replica. */
        RUNNING,
        FINISHED
    }

    /** Room at first beyond the prompt, in tokens: as many as the prompt has, within these bounds, if so many may come. */
    private static final int TOKEN_HEADROOM = 64;

    private static final int MOST_HEADROOM = 4_096;

    final SequenceId id;
    final SequenceSpec spec;
    final PrefixScope scope;
    final PageKeys keys;
    final String tenant;
    final int priority;
    final int promptLength;
    final BlockTable table;

    private final int maxTokens;
    private final int expectedTokens;
    private final int[] stopTokens;

    State state = State.WAITING;
    int[] tokens;
    int length;
    /** Tokens whose KV exists: their steps' results are in. */
    int computed;
    /** Tokens whose KV exists or is being written by an issued step. */
    int scheduled;

    int prefillTarget;
    /** Tokens that issued steps will give if all drafts are accepted. */
    int pending;
    /** Tokens the consumer has allowed so far. */
    long granted;

    int replica;
    /** Rises at every preemption: results of steps issued before it no longer tell about KV. */
    int epoch;
    /** Place in the queue: smaller goes first among equals. */
    long rank;
    /** How often others were admitted past this sequence. */
    int skips;
    /** What is known of outputs like its own, from submission on, if lengths are learned; and where it is there. */
    OutputLengths.Account lengths;

    int range;
    int rangeEnd;
    /** The newest step when it was submitted. */
    long submittedAfter;
    /** Its place in the queue by predicted work. */
    double key;
    /** Whether it goes before all others until it is admitted. */
    boolean hurried;
    /** Its lane in the queue, from submission on. */
    WaitingQueue.Lane lane;

    /** Whether it gives up its blocks once the steps in flight are back, and is not placed until then. */
    boolean suspending;
    /** Whether its tokens are computed again even if the host has them. */
    boolean recompute;
    /** Whether it may not run until it is resumed. */
    boolean held;
    /** While it waits: its open page on the host, and the tokens whose KV that and the pages before it have; 0 if none. */
    int tail;

    int tailTokens;
    /** While it runs: slots of the host that it has still to bring back, and the tokens whose KV exists then. */
    int[] claims = new int[4];

    int claimed;
    int claimedTokens;
    /** Whether the last blocks of its table are for them. */
    boolean reserved;
    /** What brings some of them from the disk to the host first. */
    @Nullable
    PlannedTransfer fetching;
    /** What brings them back, once there were blocks for them. */
    @Nullable
    PlannedTransfer loading;

    /** Its drafts, from submission on; null if nobody drafts. */
    @Nullable
    SequenceDrafts drafts;

    /** The step in which it was last placed. */
    long placedIn;
    /** For a fork, the step that copies its open page; 0 if there is none, or nothing depends on that any more. */
    long copiedIn;

    Sequence(SequenceId id, SequenceSpec spec, int pageSize, long granted) {
        this.id = id;
        this.spec = spec;
        scope = spec.salt() == null && spec.adapter() == null
                ? PrefixScope.NONE
                : new PrefixScope(spec.salt(), spec.adapter());
        keys = PageKeys.of(spec.media(), pageSize);
        tenant = spec.tenant();
        priority = spec.priority();
        promptLength = spec.promptLength();
        maxTokens = spec.maxTokens();
        expectedTokens = spec.expectedTokens();
        stopTokens = spec.stopTokens();
        int headroom = Math.max(TOKEN_HEADROOM, Math.min(promptLength, MOST_HEADROOM));
        tokens = spec.promptTokens(promptLength + Math.min(maxTokens, headroom));
        table = new BlockTable((tokens.length - 1) / pageSize + 1);
        length = promptLength;
        this.granted = granted;
        table.retain(spec.retentions());
    }

    /** A fork: the same tokens, nothing computed or pending. */
    Sequence(SequenceId id, Sequence parent, long granted) {
        this.id = id;
        spec = parent.spec;
        scope = parent.scope;
        keys = parent.keys;
        tenant = parent.tenant;
        priority = parent.priority;
        promptLength = parent.promptLength;
        maxTokens = parent.maxTokens;
        expectedTokens = parent.expectedTokens;
        stopTokens = parent.stopTokens;
        tokens = parent.tokens.clone();
        table = new BlockTable(parent.table.ids().length);
        length = parent.length;
        this.granted = granted;
        table.retain(spec.retentions());
    }

    int generated() {
        return length - promptLength;
    }

    /** Tokens that it may still generate by its limit. */
    int tokensLeft() {
        return maxTokens - generated();
    }

    /** Tokens that it is expected to generate still. */
    int remaining() {
        int generated = generated();
        int expected = expectedTokens > generated ? expectedTokens - generated : lengths.remaining(generated);
        return Math.max(1, Math.min(expected, tokensLeft()));
    }

    /** The chance that its output has more than so many tokens, as far as known without those it has. */
    double survival(double tokens) {
        return expectedTokens > generated() ? (tokens < expectedTokens ? 1 : 0) : lengths.survival(tokens);
    }

    /** What it is expected to take still: the tokens of KV that it holds, added up over the steps that it takes. */
    double work() {
        double steps = remaining();
        return steps * (length + steps / 2);
    }

    boolean prefilling() {
        return scheduled < prefillTarget;
    }

    /** Tokens that its consumer and the token limit allow beyond those that issued steps will sample at most. */
    long unsampled() {
        return Math.min(granted, maxTokens) - generated() - pending;
    }

    /** Whether its consumer allows the next token and the token limit leaves one to sample. */
    boolean wanted() {
        return !held && unsampled() > 0;
    }

    /** Whether it may be part of a step. */
    boolean placeable() {
        return state == State.RUNNING && settled() && wanted();
    }

    /** The position that its next entry samples, if that verifies no drafts and all that are being verified are accepted. */
    int next() {
        return length + pending;
    }

    /** Slots it holds for drafts that no issued step verifies. */
    int ahead() {
        return drafts == null ? 0 : drafts.ahead;
    }

    /** Whether only its consumer holds it back, or somebody else who paused it. */
    boolean paused() {
        int sampled = generated() + pending;
        return (held || sampled >= granted) && sampled < maxTokens;
    }

    int token(int position) {
        return position < length ? tokens[position] : Step.PENDING_TOKEN;
    }

    void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, length + (length >> 1) + TOKEN_HEADROOM);
        }
        tokens[length++] = token;
    }

    boolean atStop() {
        int last = tokens[length - 1];
        for (int stop : stopTokens) {
            if (stop == last) {
                return true;
            }
        }
        return false;
    }

    boolean atLimit() {
        return generated() >= maxTokens;
    }

    void claim(int slot) {
        if (claimed == claims.length) {
            claims = Arrays.copyOf(claims, claimed * 2);
        }
        claims[claimed++] = slot;
    }

    /** Whether it has claimed what is not on its way to the device yet. */
    boolean awaitsLoad() {
        return claimed > 0 && loading == null;
    }

    /** Whether it may be placed in a step: nothing is on its way to or from it. */
    boolean settled() {
        return claimed == 0 && !suspending;
    }

    /** Forgets all KV. */
    void restart() {
        reserved = false;
        computed = 0;
        scheduled = 0;
        prefillTarget = 0;
        if (pending == 0) {
            copiedIn = 0; // else a token is still to come that was sampled over the copy
        }
        epoch++;
    }

    SchedulerSnapshot.SequenceState snapshot() {
        return new SchedulerSnapshot.SequenceState(
                id, tenant, state == State.RUNNING, paused(), promptLength, generated(), table.size());
    }

    @Override
    public String toString() {
        return id + ": state=" + state + ", replica=" + replica + ", length=" + length + ", computed=" + computed
                + ", scheduled=" + scheduled + ", pending=" + pending + ", draftsAhead=" + ahead() + ", granted="
                + granted + ", blocks="
                + table.size() + ", committed=" + table.committed();
    }
}
