package io.kvflux.soak;

import io.kvflux.api.QueueFullException;
import io.kvflux.api.SequenceSpec;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Where one client after another sits: who has got an answer, who has left and who was failed comes back with a next turn. */
final class Seat {

    private static final int WAITS_WHEN_FULL = 20;

    private final Life life;
    private final SplittableRandom random;
    private @Nullable Talk talk;

    Seat(Life life, SplittableRandom random) {
        this.life = life;
        this.random = random;
    }

    /** Asks for a sequence, unless nobody is to any more. */
    void next() {
        if (!life.admits(this)) {
            return;
        }
        if (talk == null || talk.isOver() || random.nextInt(8) == 0) {
            talk = Talk.begin(random);
        }
        int words = 1 + random.nextInt(24);
        talk.add(Language.words(random, words), words);
        SequenceSpec spec = talk.spec(random, life.priorities());
        Turn turn = new Turn(life, this, spec, random.split());
        life.scheduler().generate(spec).subscribe(turn);
    }

    /** What the client has received is part of the conversation, however the sequence ended. */
    void ended(Turn turn, @Nullable Throwable failure) {
        talk.add(turn.tokens, turn.received);
        life.turnEnded(turn);
        if (failure instanceof QueueFullException) {
            life.later(1 + random.nextInt(WAITS_WHEN_FULL), this::next);
        } else {
            next();
        }
    }
}
