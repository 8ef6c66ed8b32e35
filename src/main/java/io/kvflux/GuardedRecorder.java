package io.kvflux;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.Tier;
import io.kvflux.api.Usage;
import org.jspecify.annotations.Nullable;

/** Tells the user's recorder, if there is one, and drops what it throws. */
final class GuardedRecorder implements SchedulerRecorder {

    private final SchedulerRecorder recorder;

    GuardedRecorder(@Nullable SchedulerRecorder recorder) {
        this.recorder = recorder == null ? new SchedulerRecorder() {} : recorder;
    }

    @Override
    public void admitted(long waitNs, int promptTokens, int cachedTokens) {
        try {
            recorder.admitted(waitNs, promptTokens, cachedTokens);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void firstToken(long sinceSubmitNs) {
        try {
            recorder.firstToken(sinceSubmitNs);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void nextToken(long sincePreviousNs) {
        try {
            recorder.nextToken(sincePreviousNs);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void ended(FinishReason reason, long lifetimeNs, Usage usage) {
        try {
            recorder.ended(reason, lifetimeNs, usage);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void refused(Throwable cause) {
        try {
            recorder.refused(cause);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void preempted() {
        try {
            recorder.preempted();
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void stepCompleted(int entries, int tokens, long durationNs, boolean failed) {
        try {
            recorder.stepCompleted(entries, tokens, durationNs, failed);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void drafterFailed(Throwable cause) {
        try {
            recorder.drafterFailed(cause);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void replicaLost(int replica, Throwable cause) {
        try {
            recorder.replicaLost(replica, cause);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }

    @Override
    public void transferFailed(Tier from, Tier to, Throwable cause) {
        try {
            recorder.transferFailed(from, to, cause);
        } catch (Throwable thrown) {
            Lanes.drop(thrown);
        }
    }
}
