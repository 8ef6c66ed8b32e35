package io.kvflux.soak;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** The client of a turn of a conversation. Now and then somebody forks it. */
final class Turn extends Client {

    private static final int FORKS_ONE_OF = 12;

    private final Seat seat;
    private final int forksAt;
    private long chain;

    Turn(Life life, Seat seat, SequenceSpec spec, SplittableRandom random) {
        super(life, spec, random);
        this.seat = seat;
        forksAt = random.nextInt(FORKS_ONE_OF) == 0 ? 1 + random.nextInt(spec.maxTokens()) : 0;
        chain = Language.start(spec);
        for (int token : spec.promptTokens(spec.promptLength())) {
            chain = Language.next(chain, token);
        }
    }

    @Override
    void check(TokenEvent event) {
        int expected = Language.sample(chain, event.sequence().value());
        if (event.token() != expected) {
            wrong("a token must be the one that the model gives, index=" + event.index() + ", expected=" + expected
                    + ", token=" + event.token());
        }
        chain = Language.next(chain, event.token());
    }

    @Override
    void after() {
        if (received == forksAt) {
            Branch branch = new Branch(life, spec, random.split(), id.value(), chain, received);
            life.scheduler().fork(id).subscribe(branch);
        }
    }

    @Override
    void checkEnd(FinishReason reason, Usage usage) {
        if (usage.promptTokens() != spec.promptLength()
                || usage.cachedTokens() >= spec.promptLength()
                || (reason == FinishReason.LENGTH && received != spec.maxTokens())) {
            wrong("a sequence ends by its stop token or its limit, reason=" + reason + ", " + usage);
        }
    }

    @Override
    void ended(@Nullable Throwable failure, boolean left) {
        seat.ended(this, failure);
    }
}
