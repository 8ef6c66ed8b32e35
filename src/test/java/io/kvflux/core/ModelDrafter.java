package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.DraftContext;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** A drafter beside the steps: brings right drafts and wrong ones when it likes, and knows what it was asked for. */
final class ModelDrafter {

    private static final class Stream {
        final SequenceId id;
        final int start;
        long chain;
        int wanted;
        int brought;

        Stream(SequenceId id, int start, long chain) {
            this.id = id;
            this.start = start;
            this.chain = chain;
        }
    }

    private final SchedulerConfig config;
    private final SplittableRandom random;
    private final Consumer<String> saw;
    private final Map<SequenceId, Stream> streams = new HashMap<>();
    /** Where what was asked for of a sequence ends, also after its drafter brought all it will. */
    private final Map<SequenceId, Integer> ends = new HashMap<>();

    private boolean on;
    long granted;

    ModelDrafter(SchedulerConfig config, SplittableRandom random, Consumer<String> saw) {
        this.config = config;
        this.random = random;
        this.saw = saw;
    }

    boolean isOn() {
        return on;
    }

    /** Comes or goes. */
    void turn(SchedulerCore core) {
        on = !on;
        core.draftBeside(on);
        assertThat(streams).as("whoever goes is told of it").isEmpty();
        ends.clear();
    }

    void asked(DraftContext context, int demand, ModelSequence sequence) {
        assertThat(on).isTrue();
        assertThat(context.length()).isEqualTo(sequence.length);
        long chain = ModelDevice.root(sequence.salt);
        for (int i = 0; i < context.length(); i++) {
            assertThat(context.token(i)).isEqualTo(sequence.tokens[i]);
            chain = ModelDevice.chain(chain, context.token(i));
        }
        Stream stream = new Stream(context.sequence(), context.length(), chain);
        assertThat(streams.put(context.sequence(), stream))
                .as("one drafter a sequence")
                .isNull();
        more(context.sequence(), demand);
    }

    void more(SequenceId id, int demand) {
        Stream stream = streams.get(id);
        stream.wanted += demand;
        granted += demand;
        assertThat(demand).isPositive();
        assertThat(stream.wanted - stream.brought)
                .isLessThanOrEqualTo(config.caches().numDraftTokens() + config.maxStepsInFlight());
        ends.put(id, stream.start + stream.wanted);
    }

    void noMore(SequenceId id) {
        assertThat(streams.remove(id)).isNotNull();
    }

    void ended(SequenceId id) {
        assertThat(streams)
                .as("whoever drafts is told before its sequence ends")
                .doesNotContainKey(id);
        ends.remove(id);
    }

    boolean isAsked(SequenceId id) {
        return ends.containsKey(id);
    }

    /** The table of an entry has the slots of what it computes and of the drafts that were asked for beyond the next token. */
    void checkSlots(Step step, int entry) {
        int scheduled = step.cacheLength(entry) + step.tokenCount(entry);
        int ahead = Math.max(0, ends.getOrDefault(step.sequence(entry), 0) - scheduled - 1);
        int least = streams.containsKey(step.sequence(entry)) ? ahead : 0;
        assertThat(step.blockCount(entry))
                .isBetween(
                        blocks(scheduled + step.granted(entry) + least),
                        blocks(scheduled + step.granted(entry) + ahead));
    }

    private int blocks(int slots) {
        return (slots + config.pageSize() - 1) / config.pageSize();
    }

    /** One draft, or an end; false if nobody waits for any. */
    boolean act(SchedulerCore core) {
        if (streams.isEmpty()) {
            return false;
        }
        List<Stream> all = new ArrayList<>(streams.values());
        all.sort((a, b) -> Long.compare(a.id.value(), b.id.value()));
        Stream stream = all.get(random.nextInt(all.size()));
        if (random.nextInt(40) == 0) {
            boolean fails = random.nextInt(4) == 0;
            saw.accept(fails ? "drafter failed" : "drafter completed");
            streams.remove(stream.id);
            core.draftsEnded(stream.id, fails);
            assertThat(core.drafted(stream.id, 1)).as("it has ended").isFalse();
            return true;
        }
        int next = ModelDevice.sample(stream.chain, stream.id);
        int draft = random.nextInt(5) == 0 ? random.nextInt(ModelDevice.VOCABULARY) : next;
        stream.chain = ModelDevice.chain(stream.chain, draft);
        boolean wanted = stream.brought < stream.wanted;
        stream.brought += wanted ? 1 : 0;
        assertThat(core.drafted(stream.id, draft)).isEqualTo(wanted);
        saw.accept(wanted ? "drafted beside" : "drafted unasked");
        return wanted;
    }
}
