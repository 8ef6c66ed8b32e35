package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.Step;
import io.kvflux.api.StepInputs;
import java.util.ArrayList;
import java.util.List;

/** What must hold of every step whatever led to it. */
final class StepChecks {

    private StepChecks() {}

    /** All that a step says, for comparing. */
    static List<Object> contents(Step step) {
        List<Object> contents = new ArrayList<>();
        for (int i = 0; i < step.size(); i++) {
            contents.add(step.sequence(i));
            contents.add(step.cacheLength(i));
            contents.add(step.isPrefill(i));
            contents.add(step.samples(i));
            contents.add(List.of(step.drafts(i), step.granted(i), step.unverified(i)));
            for (int j = 0; j < step.tokenCount(i); j++) {
                contents.add(step.token(i, j));
            }
            for (int j = 0; j < step.blockCount(i); j++) {
                contents.add(step.block(i, j));
            }
        }
        for (int i = 0; i < step.copies(); i++) {
            contents.add(List.of(step.copyReplica(i), step.copySource(i), step.copyDestination(i)));
        }
        return contents;
    }

    static void limits(Step step, SchedulerConfig config) {
        for (int replica = 0; replica < step.replicas(); replica++) {
            int tokens = 0;
            long context = 0;
            boolean prefilling = false;
            for (int i = step.firstEntry(replica); i < step.firstEntry(replica + 1); i++) {
                tokens += step.tokenCount(i);
                int pages = (step.cacheLength(i) + step.tokenCount(i) + config.pageSize() - 1) / config.pageSize();
                context += (long) pages * config.pageSize();
                assertThat(step.isPrefill(i) || !prefilling)
                        .as("decodes come first")
                        .isTrue();
                prefilling = step.isPrefill(i);
                drafts(step, i, config);
                assertThat(step.isPrefill(i) || step.samples(i)).isTrue();
            }
            int size = step.firstEntry(replica + 1) - step.firstEntry(replica);
            assertThat(size).isLessThanOrEqualTo(config.maxBatchSize());
            assertThat(tokens).isLessThanOrEqualTo(config.maxBatchTokens());
            assertThat(size <= 1 || context <= config.maxBatchContextTokens()).isTrue();
        }
    }

    private static void drafts(Step step, int entry, SchedulerConfig config) {
        int most = config.caches().numDraftTokens();
        assertThat(step.drafts(entry)).isBetween(0, step.isPrefill(entry) ? 0 : most);
        assertThat(step.isPrefill(entry) || step.tokenCount(entry) == 1 + step.drafts(entry))
                .isTrue();
        assertThat(step.granted(entry)).isBetween(0, step.samples(entry) ? most : 0);
        assertThat(step.unverified(entry)).isBetween(0, most * (config.maxStepsInFlight() - 1));
    }

    static void inputs(Step step, SchedulerConfig config) {
        StepInputs inputs = step.inputs();
        PlanInputs.checkExtents(config.caches().symbolicInputs(""), inputs);
        for (int replica = 0; replica < step.replicas(); replica++) {
            int first = step.firstEntry(replica);
            assertThat(inputs.batchSize(replica)).isEqualTo(step.firstEntry(replica + 1) - first);
            int columns = inputs.maxNumPages(replica);
            int longestChunk = 0;
            int longestCache = 0;
            for (int i = 0; i < inputs.batchSize(replica); i++) {
                assertThat(inputs.cacheLengths(replica)[i]).isEqualTo(step.cacheLength(first + i));
                longestChunk = Math.max(longestChunk, step.tokenCount(first + i));
                longestCache = Math.max(longestCache, step.cacheLength(first + i));
                for (int j = 0; j < columns; j++) {
                    int expected = j < step.blockCount(first + i) ? step.block(first + i, j) : 0;
                    assertThat(inputs.lookupTable(replica)[i * columns + j]).isEqualTo(expected);
                }
            }
            assertThat(inputs.maxLengths(replica)).containsExactly(longestChunk, longestCache);
        }
    }
}
