package io.kvflux;

import io.kvflux.block.BlockPool;
import io.kvflux.block.BlockTable;
import io.kvflux.block.PrefixMatch;
import io.kvflux.block.PrefixScope;
import io.kvflux.tier.TierLeaks;
import java.util.Objects;

/** Leaks to be planted in a scheduler, as a bug of the library would leave them. */
public final class Leaks {

    private Leaks() {}

    /** A block is held by a table that nobody knows, if one is available just then. */
    public static void block(BlockScheduler scheduler) {
        Command.give(scheduler.shell, core -> {
            BlockPool pool = (BlockPool) core.pool(0);
            pool.open(new BlockTable(), PrefixScope.NONE, new PrefixMatch(), 1);
        });
    }

    /** A slot of the host waits for a copy that nobody makes. */
    public static void hostSlot(BlockScheduler scheduler) {
        Command.give(scheduler.shell, core -> TierLeaks.slot(Objects.requireNonNull(core.tiers())));
    }
}
