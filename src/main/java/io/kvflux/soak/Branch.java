package io.kvflux.soak;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The client of a fork. Where it begins is not known before its end, since its parent goes on meanwhile; so its tokens are
 * compared with each place where it can have begun, and at the end with the one that the usage tells.
 */
final class Branch extends Client {

    private final long parent;
    private final long chain;
    private final int inheritedAtLeast;
    private boolean ends;

    /**
     * A fork.
     *
     * @param chain of the parent's tokens when it was asked for
     * @param known of those, the generated ones
     */
    Branch(Life life, SequenceSpec spec, SplittableRandom random, long parent, long chain, int known) {
        super(life, spec, random);
        this.parent = parent;
        this.chain = chain;
        inheritedAtLeast = known;
    }

    @Override
    boolean mayEndBy(Throwable failure) {
        // Its parent may have ended before it was there.
        return (received == 0 && failure instanceof IllegalArgumentException) || super.mayEndBy(failure);
    }

    @Override
    void check(TokenEvent event) {
        // Compared at the end.
    }

    @Override
    void checkEnd(FinishReason reason, Usage usage) {
        ends = true;
        int inherited = usage.promptTokens() - spec.promptLength();
        if (inherited < inheritedAtLeast
                || inherited >= spec.maxTokens()
                || !follows(inherited)
                || (reason == FinishReason.LENGTH && inherited + received != spec.maxTokens())) {
            wrong("a fork goes on from what its parent had, reason=" + reason + ", inherited=" + inherited
                    + ", at least " + inheritedAtLeast + ", " + usage);
        }
    }

    @Override
    void ended(@Nullable Throwable failure, boolean left) {
        if (!ends && received > 0 && !followsSomewhere()) {
            wrong("a fork goes on from what its parent had, at least " + inheritedAtLeast + " tokens");
        }
        life.branchEnded(this);
    }

    private boolean followsSomewhere() {
        for (int inherited = inheritedAtLeast; inherited < spec.maxTokens(); inherited++) {
            if (follows(inherited)) {
                return true;
            }
        }
        return false;
    }

    private boolean follows(int inherited) {
        long at = chain;
        for (int i = inheritedAtLeast; i < inherited; i++) {
            at = Language.next(at, Language.sample(at, parent));
        }
        for (int i = 0; i < received; i++) {
            if (tokens[i] != Language.sample(at, id.value())) {
                return false;
            }
            at = Language.next(at, tokens[i]);
        }
        return true;
    }
}
