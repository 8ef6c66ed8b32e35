package io.kvflux.tier;

import io.kvflux.block.PrefixScope;
import java.lang.reflect.Field;

/** Takes what nobody gives back. */
public final class TierLeaks {

    private TierLeaks() {}

    /** A slot is reserved for a page that is never written. */
    public static void slot(Tiers tiers) {
        ContentIndex contents = (ContentIndex) field(tiers, "contents");
        HostTier host = (HostTier) field(tiers, "host");
        host.reserve(contents.enterPrivate(contents.root(PrefixScope.NONE)));
    }

    private static Object field(Tiers tiers, String name) {
        try {
            Field field = Tiers.class.getDeclaredField(name);
            field.setAccessible(true);
            return field.get(tiers);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }
}
