package io.kvflux.tier;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.RemovalCause;
import io.kvflux.api.Tier;
import io.kvflux.block.PrefixHasher;
import io.kvflux.block.PrefixScope;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells what becomes findable on host and disk, and what no longer is, while somebody listens. Pages of the host are named
 * for it, and keep their names as long as any tier has them. What only its own sequence can find is not told.
 */
final class TierLog {

    private static final int[] NO_TOKENS = {};

    private final ContentIndex contents;
    private final int pageSize;
    private final PrefixHasher hasher;
    private final LongSupplier numbers;
    private final Consumer<BlockEvent> sink;

    TierLog(ContentIndex contents, int pageSize, PrefixHasher hasher, LongSupplier numbers, Consumer<BlockEvent> sink) {
        this.contents = contents;
        this.pageSize = pageSize;
        this.hasher = hasher;
        this.numbers = numbers;
        this.sink = sink;
    }

    /** A page of the host, as an event tells it. */
    BlockEvent.Stored onHost(long number, int page) {
        PrefixScope scope = contents.scope(page);
        int before = contents.parent(page);
        BlockHash parent = contents.isRoot(before) ? null : contents.name(before, hasher);
        return stored(number, Tier.HOST, parent, List.of(contents.name(page, hasher)), contents.tokens(page), scope);
    }

    /** Pages of the disk, as an event tells them: there they have names and nothing else. */
    BlockEvent.Stored onDisk(long number, List<BlockHash> names) {
        return stored(number, Tier.DISK, null, names, NO_TOKENS, PrefixScope.NONE);
    }

    void storedOnHost(int page) {
        if (!contents.isPrivate(page)) {
            sink.accept(onHost(numbers.getAsLong(), page));
        }
    }

    void removedFromHost(int page, RemovalCause cause) {
        if (!contents.isPrivate(page)) {
            removed(Tier.HOST, contents.name(page, hasher), cause);
        }
    }

    void storedOnDisk(BlockHash name) {
        sink.accept(onDisk(numbers.getAsLong(), List.of(name)));
    }

    void removed(Tier tier, BlockHash name, RemovalCause cause) {
        sink.accept(new BlockEvent.Removed(numbers.getAsLong(), BlockEvent.ALL_REPLICAS, tier, name, cause));
    }

    void cleared(Tier tier) {
        sink.accept(new BlockEvent.Cleared(numbers.getAsLong(), BlockEvent.ALL_REPLICAS, tier));
    }

    private BlockEvent.Stored stored(
            long number,
            Tier tier,
            @Nullable BlockHash parent,
            List<BlockHash> hashes,
            int[] tokens,
            PrefixScope scope) {
        return new BlockEvent.Stored(
                number, BlockEvent.ALL_REPLICAS, tier, parent, hashes, tokens, pageSize, scope.salt(), scope.adapter());
    }
}
