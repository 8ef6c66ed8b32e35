package io.kvflux;

import io.kvflux.api.DraftToken;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.StepResult;
import io.kvflux.core.SchedulerConfig;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/** What the shell is told once; checked by {@link BlockSchedulerBuilder}, which documents each. */
record Settings(
        SchedulerConfig config,
        int tokenBuffer,
        int maxPending,
        WhenFull whenFull,
        int maxExecutorFailures,
        int vocabularySize,
        Scheduler loopOn,
        Scheduler deliverOn,
        int deliveryLanes,
        int eventBuffer,
        @Nullable SchedulerRecorder recorder,
        LongSupplier clock) {

    /** No vocabulary size is known: every token id is accepted. */
    static final int ANY_VOCABULARY = 0;

    /**
     * Most sequences that one source of arrivals is asked for ahead: what was asked for cannot be taken back, so a source
     * that brings nothing keeps at most this many seats from the others.
     */
    int arrivalsWindow() {
        return Math.max(4, Math.min(32, maxPending / 8));
    }

    void requireInVocabulary(SequenceSpec spec) {
        if (vocabularySize == ANY_VOCABULARY) {
            return;
        }
        int[] prompt = spec.promptTokens(0);
        for (int i = 0; i < prompt.length; i++) {
            if (prompt[i] >= vocabularySize) {
                throw new IllegalArgumentException("a prompt's token ids must be less than vocabularySize, token="
                        + prompt[i] + ", position=" + i + ", vocabularySize=" + vocabularySize);
            }
        }
    }

    /** What is wrong with a draft's token; null if nothing is. */
    @Nullable
    IllegalArgumentException outsideVocabulary(DraftToken draft) {
        return vocabularySize == ANY_VOCABULARY || draft.token() < vocabularySize
                ? null
                : new IllegalArgumentException("a draft must be less than vocabularySize, token=" + draft.token()
                        + ", vocabularySize=" + vocabularySize);
    }

    void requireInVocabulary(StepResult result) {
        if (vocabularySize == ANY_VOCABULARY) {
            return;
        }
        for (int entry = 0; entry < result.size(); entry++) {
            requireInVocabulary("a sampled token id", result, entry, result.token(entry));
            for (int i = 0; i < result.draftCount(entry); i++) {
                requireInVocabulary("a draft", result, entry, result.draftAt(entry, i));
            }
        }
    }

    private void requireInVocabulary(String what, StepResult result, int entry, int token) {
        if (token >= vocabularySize) {
            throw new IllegalArgumentException(what + " must be less than vocabularySize, step=" + result.step()
                    + ", entry=" + entry + ", token=" + token + ", vocabularySize=" + vocabularySize);
        }
    }
}
