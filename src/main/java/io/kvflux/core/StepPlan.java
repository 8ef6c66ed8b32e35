package io.kvflux.core;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepInputs;
import java.util.Objects;

/**
 * A step as it was planned. One of a ring of as many as may be in flight. Token and block arrays are those of the
 * sequences themselves: what an entry shows of them is never changed in place while its step is in flight.
 */
final class StepPlan implements Step {

    final EntryList[] parts;
    final BlockCopies copies = new BlockCopies();
    private final int[] first;
    private final PlanInputs inputs;
    private long number;
    private boolean inputsFilled;
    private final boolean speculates;

    StepPlan(SchedulerConfig config) {
        int replicas = config.replicas();
        parts = new EntryList[replicas];
        for (int i = 0; i < replicas; i++) {
            parts[i] = new EntryList();
        }
        first = new int[replicas + 1];
        inputs = new PlanInputs(config);
        speculates = config.speculates();
    }

    void begin(long stepNumber) {
        clear();
        number = stepNumber;
        inputsFilled = false;
    }

    /** Nothing more is added; entries are numbered. */
    void seal() {
        for (int i = 0; i < parts.length; i++) {
            first[i + 1] = first[i] + parts[i].size;
        }
    }

    void clear() {
        for (EntryList part : parts) {
            part.clear();
        }
        copies.clear();
    }

    boolean isEmpty() {
        return size() == 0 && copies.size == 0;
    }

    @Override
    public long number() {
        return number;
    }

    @Override
    public int size() {
        return first[parts.length];
    }

    @Override
    public int replicas() {
        return parts.length;
    }

    @Override
    public int firstEntry(int replica) {
        return first[replica];
    }

    @Override
    public SequenceId sequence(int entry) {
        int part = part(entry);
        return parts[part].sequences[entry - first[part]].id;
    }

    @Override
    public SequenceSpec spec(int entry) {
        int part = part(entry);
        return parts[part].sequences[entry - first[part]].spec;
    }

    @Override
    public int cacheLength(int entry) {
        int part = part(entry);
        return parts[part].starts[entry - first[part]];
    }

    @Override
    public int tokenCount(int entry) {
        int part = part(entry);
        return parts[part].counts[entry - first[part]];
    }

    @Override
    public int token(int entry, int offset) {
        int part = part(entry);
        int at = entry - first[part];
        int position = parts[part].starts[at] + Objects.checkIndex(offset, parts[part].counts[at]);
        if (speculates && position >= parts[part].knownTokens[at]) {
            return draft(parts[part], at, offset);
        }
        return position < parts[part].knownTokens[at] ? parts[part].tokens[at][position] : PENDING_TOKEN;
    }

    private static int draft(EntryList part, int at, int offset) {
        int draft = offset - (part.counts[at] - part.drafts[at]);
        return draft < 0 || part.draftIds[at] == null ? PENDING_TOKEN : part.draftIds[at][draft];
    }

    @Override
    public int drafts(int entry) {
        Objects.checkIndex(entry, size());
        if (!speculates) {
            return 0;
        }
        int part = part(entry);
        return parts[part].drafts[entry - first[part]];
    }

    @Override
    public int granted(int entry) {
        int part = part(entry);
        return parts[part].granted[entry - first[part]];
    }

    @Override
    public int unverified(int entry) {
        int part = part(entry);
        return parts[part].unverified[entry - first[part]];
    }

    @Override
    public boolean isPrefill(int entry) {
        int part = part(entry);
        return parts[part].prefill[entry - first[part]];
    }

    @Override
    public boolean samples(int entry) {
        int part = part(entry);
        return parts[part].samples[entry - first[part]];
    }

    @Override
    public int blockCount(int entry) {
        int part = part(entry);
        return parts[part].blockCounts[entry - first[part]];
    }

    @Override
    public int block(int entry, int index) {
        int part = part(entry);
        int at = entry - first[part];
        return parts[part].blocks[at][Objects.checkIndex(index, parts[part].blockCounts[at])];
    }

    @Override
    public int copies() {
        return copies.size;
    }

    @Override
    public int copyReplica(int copy) {
        return copies.replicas[Objects.checkIndex(copy, copies.size)];
    }

    @Override
    public int copySource(int copy) {
        return copies.sources[Objects.checkIndex(copy, copies.size)];
    }

    @Override
    public int copyDestination(int copy) {
        return copies.destinations[Objects.checkIndex(copy, copies.size)];
    }

    @Override
    public StepInputs inputs() {
        if (!inputsFilled) {
            inputs.fill(this);
            inputsFilled = true;
        }
        return inputs;
    }

    private int part(int entry) {
        Objects.checkIndex(entry, size());
        int part = 0;
        while (entry >= first[part + 1]) {
            part++;
        }
        return part;
    }
}
