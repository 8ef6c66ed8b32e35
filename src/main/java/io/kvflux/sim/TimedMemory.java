package io.kvflux.sim;

import io.kvflux.api.Step;
import io.kvflux.memory.CopyBatch;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.disk.DiskWrite;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a replay with time. A step writes its tokens when it ends, and a copy is made when it has landed: the latest
 * moments at which a device could, so that whoever touches their blocks or slots meanwhile is found out. A sequence is
 * compared whole with the first token that it samples after every admission, which is after its hits, and with its last.
 */
final class TimedMemory implements AutoCloseable {

    /** What a sequence's pages are to hold. */
    static final class Content {
        private final SimRequest request;
        private long[] chain = new long[0];
        private int chained;
        private boolean unchecked = true;
        private int hitTokens;
        private int hostTokens;

        Content(SimRequest request) {
            this.request = request;
        }

        /** It was admitted; of the hits the last ones come from the host. */
        void admitted(int hits, int ofThoseOnHost) {
            unchecked = true;
            hitTokens = hits;
            hostTokens = ofThoseOnHost;
        }

        private void extend(int to) {
            if (chained == 0) {
                int[] prompt = request.promptTokens();
                chain = new long[Math.max(to, prompt.length + request.outputLength())];
                while (chained < prompt.length) {
                    append(prompt[chained]);
                }
            }
            chain = chain.length < to ? Arrays.copyOf(chain, to) : chain;
            while (chained < to) {
                int output = chained - request.inputLength();
                append(output < request.outputLength() ? request.outputToken(output) : SimRequest.STOP_TOKEN);
            }
        }

        private void append(int token) {
            chain[chained] = TokenPattern.next(chained == 0 ? TokenPattern.START : chain[chained - 1], token);
            chained++;
        }
    }

    private final PatternPages pages;
    private final int pageSize;
    private final @Nullable CopyBatch copies;
    private long checkedBlocks;
    /** What a draft's token leaves behind that was not accepted, or not yet: nothing that a page may hold later. */
    private long[] garbage = new long[0];

    TimedMemory(ReplayOptions options) {
        pageSize = options.scheduler().pageSize();
        pages = new PatternPages(options);
        copies = pages.slots() == null ? null : pages.newBatch();
    }

    PatternPages pages() {
        return pages;
    }

    /** {@return pages compared with what was computed for them} */
    long checkedBlocks() {
        return checkedBlocks;
    }

    /** Copies what a transfer says, and tells how many of its first blocks are there now. */
    int landed(Transfer transfer) {
        if (transfer.direction().isOfStore()) {
            return landedOnDisk(transfer);
        }
        for (int i = 0; i < transfer.size(); i++) {
            if (transfer.direction() == Transfer.Direction.OFFLOAD) {
                copies.offload(transfer.replica(), transfer.block(i), transfer.slot(i));
            } else {
                copies.onload(transfer.replica(), transfer.slot(i), transfer.block(i));
            }
        }
        pages.carryOut(copies);
        return transfer.size();
    }

    private int landedOnDisk(Transfer transfer) {
        int landed = 0;
        while (landed < transfer.size() && copyOnDisk(transfer, landed)) {
            landed++;
        }
        return landed;
    }

    private boolean copyOnDisk(Transfer transfer, int index) {
        PatternDisk disk = pages.disk();
        int diskSlot = transfer.block(index);
        return transfer.direction() == Transfer.Direction.STORE
                ? disk.write(diskSlot, transfer.name(index), pages.slots(), transfer.slot(index)) == DiskWrite.WRITTEN
                : disk.read(diskSlot, transfer.name(index), pages.slots(), transfer.slot(index));
    }

    /**
     * Writes the tokens of an entry, and compares all of its sequence if that is due. Drafts that are rejected, and those made
     * for the next round, are written too, as something else.
     *
     * @param begin where the entry begins
     * @param accepted drafts of it that are accepted
     * @throws PageMismatchException if a page holds something else
     */
    void compute(Step step, int replica, int entry, Content content, int begin, int accepted) {
        int computed = begin + step.tokenCount(entry);
        int end = computed - step.drafts(entry) + accepted;
        content.extend(end);
        write(step, replica, entry, content.chain, begin, end);
        int drafted = Math.max(computed, end + step.granted(entry));
        if (drafted > end) {
            write(step, replica, entry, garbage(drafted), end, drafted);
        }
        boolean last = end >= content.request.inputLength() + content.request.outputLength() - 1;
        if (step.samples(entry) && (content.unchecked || last)) {
            check(step, replica, entry, content, end);
            content.unchecked = false;
        }
    }

    private void write(Step step, int replica, int entry, long[] chain, int begin, int end) {
        for (int from = begin; from < end; from = pageEnd(from, end)) {
            pages.write(replica, step.block(entry, from / pageSize), chain, from, pageEnd(from, end));
        }
    }

    private long[] garbage(int tokens) {
        if (garbage.length < tokens) {
            garbage = new long[2 * tokens];
            Arrays.setAll(garbage, position -> TokenPattern.next(~TokenPattern.START, position));
        }
        return garbage;
    }

    private void check(Step step, int replica, int entry, Content content, int end) {
        for (int from = 0; from < end; from = pageEnd(from, end)) {
            int block = step.block(entry, from / pageSize);
            PatternPages.Difference difference = pages.compare(replica, block, content.chain, from, pageEnd(from, end));
            checkedBlocks++;
            if (difference != null) {
                boolean fromHost =
                        content.unchecked && from < content.hitTokens && from >= content.hitTokens - content.hostTokens;
                throw new PageMismatchException("a page must hold what was computed for its tokens, request="
                        + content.request.index() + ", page=" + from / pageSize + ", tier="
                        + (fromHost ? "host, brought to block=" : "device, block=") + block + ", replica=" + replica
                        + ", " + difference + "; " + PatternPages.WHAT_TO_DO);
            }
        }
    }

    private int pageEnd(int from, int end) {
        return Math.min(end, (from / pageSize + 1) * pageSize);
    }

    @Override
    public void close() {
        pages.close();
    }
}
