package io.kvflux.soak;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.SequenceSpec;
import java.util.SplittableRandom;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;

/** Who watches beside the clients: follows block events for a while, slowly, and leaves; asks what a prompt would find. */
final class Onlookers {

    private static final int ASKS_EVERY = 32;
    private static final int FOLLOWS_EVERY = 512;
    private static final int FOLLOWS_FOR = 128;

    /** Events come without a gap, unless it is told. */
    private final class Follower extends BaseSubscriber<BlockEvent> {
        private long last;
        private boolean any;

        @Override
        protected void hookOnSubscribe(Subscription subscription) {
            request(1L + random.nextInt(100));
        }

        @Override
        protected void hookOnNext(BlockEvent event) {
            long from = event instanceof BlockEvent.Dropped dropped ? last + dropped.count() : last + 1;
            if (any ? event.number() != from : !(event instanceof BlockEvent.Snapshot)) {
                life.found(
                        Finding.Kind.ACCOUNT,
                        "block events must come without a gap, after the one of number " + last + " came "
                                + event.getClass().getSimpleName() + " of number " + event.number());
            }
            any = true;
            last = event.number();
            request(1);
        }
    }

    private final Life life;
    private final SplittableRandom random;
    private Follower follower = new Follower();
    private long ticks;

    Onlookers(Life life, SplittableRandom random) {
        this.life = life;
        this.random = random;
    }

    /** Time goes on. */
    void tick() {
        ticks++;
        if (ticks % FOLLOWS_EVERY == 0) {
            follower = new Follower();
            life.scheduler().blockEvents().subscribe(follower);
        } else if (ticks % FOLLOWS_EVERY == FOLLOWS_FOR) {
            leave();
        }
        if (ticks % ASKS_EVERY == 0) {
            ask();
        }
    }

    void leave() {
        follower.cancel();
    }

    private void ask() {
        SequenceSpec spec = Talk.begin(random).spec(random, 1);
        life.scheduler().match(spec).subscribe(found -> check(spec, found), life::failedToAnswer);
    }

    private void check(SequenceSpec spec, int found) {
        if (found < 0 || found >= spec.promptLength() || found % LifeSettings.PAGE_SIZE != 0) {
            life.found(
                    Finding.Kind.ACCOUNT,
                    "a prompt of " + spec.promptLength() + " tokens must not find " + found + " in the cache");
        }
    }
}
