package io.kvflux;

import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.PageArena;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

// README
/** A model in miniature: the KV of a token is one float, and the next token is the sum of all, modulo the vocabulary. */
final class ExampleExecutor implements StepExecutor {

    private static final int VOCABULARY = 1000;

    private final BlockArenas memory;
    private final int pageSize;
    private final float[] slot = new float[1];

    ExampleExecutor(BlockArenas memory, int pageSize) {
        this.memory = memory;
        this.pageSize = pageSize;
    }

    @Override
    public Publisher<StepResult> execute(Step step) {
        StepResult result = new StepResult().reset(step);
        for (int replica = 0; replica < step.replicas(); replica++) {
            PageArena cache = memory.arena(0, replica, 0); // of cache 0, shard 0
            for (int entry = step.firstEntry(replica); entry < step.firstEntry(replica + 1); entry++) {
                int length = write(step, entry, cache);
                if (step.samples(entry)) {
                    result.token(entry, attend(step, entry, cache, length));
                }
            }
        }
        return Mono.just(result);
    }

    /** Each token of the entry goes to the slot that the block table gives its position. */
    private int write(Step step, int entry, PageArena cache) {
        int position = step.cacheLength(entry);
        for (int i = 0; i < step.tokenCount(entry); i++, position++) {
            slot[0] = step.token(entry, i);
            cache.write(step.block(entry, position / pageSize), offset(position), slot, 0, 1);
        }
        return position;
    }

    /** What came before is read through the block table too: shared, copied or recomputed makes no difference. */
    private int attend(Step step, int entry, PageArena cache, int length) {
        float sum = 0;
        for (int position = 0; position < length; position++) {
            cache.read(step.block(entry, position / pageSize), offset(position), slot, 0, 1);
            sum += slot[0];
        }
        return (int) (sum % VOCABULARY);
    }

    private long offset(int position) {
        return (long) position % pageSize * Float.BYTES;
    }
}
// end
