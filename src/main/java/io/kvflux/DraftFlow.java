package io.kvflux;

import io.kvflux.api.DraftContext;
import io.kvflux.api.DraftToken;
import io.kvflux.api.SequenceId;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;

/**
 * One subscription to a drafter. Three parties touch it: the loop says how much is wanted, and when nothing is any more; the
 * lane calls the drafter, and is the only one to do so; the drafter signals on threads of its own. What it brings waits for
 * the loop.
 */
final class DraftFlow extends Outlet implements CoreSubscriber<DraftToken> {

    private final Shell shell;
    private final Drafter drafter;
    private final DraftContext context;
    /** Of the same sequence, the one before, which has to be done before this one begins. */
    private @Nullable DraftFlow before;

    private volatile @Nullable DraftFlow after;
    /** Whether the lane calls the drafter no more. */
    private volatile boolean done;

    /** Written by the loop: nothing is wanted any more. */
    private volatile boolean unwanted;

    // Of the lane.
    private boolean begun;
    private boolean cancelled;

    // Guarded by this.
    private @Nullable Subscription subscription;
    /** Drafts that the loop wants, those of them that the drafter was asked for, and those of these that it brought. */
    private int wanted;

    private int asked;

    private int brought;
    private int[] waiting = new int[4];
    private int waits;
    /** Whether the drafter said that there are no more, or broke a rule, and the loop has not heard of it. */
    private boolean ends;

    private boolean over;
    /** Whether it is over because the drafter broke a rule, and has to be cancelled. */
    private boolean broke;

    private @Nullable Throwable failure;

    DraftFlow(Shell shell, Drafter drafter, DraftContext context, @Nullable DraftFlow before) {
        this.shell = shell;
        this.drafter = drafter;
        this.context = context;
        this.before = before;
    }

    SequenceId sequence() {
        return context.sequence();
    }

    // ---- the loop

    void isBefore(DraftFlow flow) {
        after = flow;
    }

    synchronized void want(int more) {
        wanted += more;
    }

    void leave() {
        unwanted = true;
    }

    boolean isLive() {
        return !unwanted;
    }

    @Override
    void run() {
        int[] drafts;
        boolean last;
        Throwable cause;
        synchronized (this) {
            drafts = Arrays.copyOf(waiting, waits);
            waits = 0;
            last = ends;
            ends = false;
            cause = failure;
        }
        for (int i = 0; i < drafts.length && !unwanted; i++) {
            shell.core.drafted(sequence(), drafts[i]);
        }
        if (last && !unwanted) {
            shell.drafting.over(this, cause);
        }
    }

    // ---- the lane

    @Override
    void deliver() {
        if (before != null && !before.done) {
            return; // it offers this when it is
        }
        before = null;
        if (!begun && !unwanted) {
            begun = true;
            meet();
        }
        call();
        if (unwanted) {
            call(); // it may have asked before
            done = true;
            DraftFlow next = after;
            if (next != null) {
                shell.drafting.lanes.offer(next);
                shell.drafting.lanes.wake();
            }
        }
    }

    /** Asks for what is wanted, or cancels. */
    private void call() {
        Subscription current;
        int more;
        boolean stops;
        synchronized (this) {
            current = subscription;
            more = over || unwanted || current == null ? 0 : wanted - asked;
            asked += more;
            stops = current != null && !cancelled && (broke || (unwanted && !over));
            cancelled |= stops;
        }
        try {
            if (more > 0) {
                current.request(more);
            } else if (stops) {
                current.cancel();
            }
        } catch (Throwable thrown) {
            fail(thrown);
        }
    }

    private void meet() {
        try {
            Publisher<DraftToken> publisher = drafter.draft(context);
            Objects.requireNonNull(publisher, "a drafter must return a publisher, not null");
            publisher.subscribe(this);
        } catch (Throwable thrown) {
            fail(thrown);
        }
    }

    // ---- the drafter

    @Override
    public void onSubscribe(Subscription given) {
        Objects.requireNonNull(given, "subscription");
        synchronized (this) {
            if (subscription == null) {
                subscription = given;
                given = null;
            }
        }
        if (given != null) {
            given.cancel();
        } else {
            wakeLane();
        }
    }

    @Override
    public void onNext(DraftToken draft) {
        if (draft == null) {
            NullPointerException missing = new NullPointerException("a draft must not be null");
            fail(missing);
            throw missing;
        }
        Throwable broken = null;
        synchronized (this) {
            if (over || unwanted) {
                return;
            }
            if (brought == asked) {
                broken = new IllegalStateException(
                        "a drafter must not bring more than it was asked for, " + context + ", asked=" + asked);
            } else {
                broken = shell.settings.outsideVocabulary(draft);
            }
            if (broken == null) {
                brought++;
                if (waits == waiting.length) {
                    waiting = Arrays.copyOf(waiting, waits * 2);
                }
                waiting[waits++] = draft.token();
            }
        }
        if (broken != null) {
            fail(broken);
        } else {
            shell.loop.raise(this);
        }
    }

    @Override
    public void onError(Throwable cause) {
        Objects.requireNonNull(cause, "cause");
        if (!finish(cause, false)) {
            Lanes.drop(cause);
        }
    }

    @Override
    public void onComplete() {
        finish(null, false);
    }

    /** It broke a rule: it is cancelled. */
    private void fail(Throwable cause) {
        if (finish(cause, true)) {
            wakeLane();
        } else {
            Lanes.drop(cause);
        }
    }

    /** False if nobody hears of it: it was over already. */
    private boolean finish(@Nullable Throwable cause, boolean breaks) {
        synchronized (this) {
            if (over || unwanted) {
                return false;
            }
            over = true;
            ends = true;
            broke = breaks;
            failure = cause;
        }
        shell.loop.raise(this);
        return true;
    }

    private void wakeLane() {
        shell.drafting.lanes.offer(this);
        shell.drafting.lanes.wake();
    }
}
