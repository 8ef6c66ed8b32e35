package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kvflux.core.QueuePolicy;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.geometry.SpeculativeMethod;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What each number of a replay with time counts. A step takes one second unless said; pages have 10 tokens. */
class TimedReplayTest {

    private static final CostModel ONE_SECOND = CostModel.linear(1, 0, 0);

    private final List<RequestRow> rows = new ArrayList<>();
    private final List<Tick> ticks = new ArrayList<>();
    private int stopAfter = Integer.MAX_VALUE;

    static SchedulerConfig.Builder config(int blocks, int replicas) {
        List<DeviceRef> devices = new ArrayList<>();
        for (int i = 0; i < replicas; i++) {
            devices.add(DeviceRef.gpu(i));
        }
        KvCacheParams params = KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(2)
                .pageSize(10)
                .devices(devices)
                .dataParallelDegree(replicas)
                .build();
        return SchedulerConfig.builder(MultiKvCacheParams.fromParams(params), blocks)
                .watermark(0)
                .verifyInvariants(true);
    }

    private ReplayResult replay(Workload workload, SchedulerConfig.Builder config, CostModel cost, int tenants) {
        Replay[] replay = new Replay[1];
        ReplayListener listener = new ReplayListener() {
            @Override
            public void onRequest(RequestRow row) {
                rows.add(row);
                if (rows.size() == stopAfter) {
                    replay[0].stop();
                }
            }

            @Override
            public void onTick(Tick tick) {
                ticks.add(tick);
            }
        };
        replay[0] = new Replay(
                workload,
                new ReplayOptions(config.build(), cost, ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND, tenants, 1, false),
                listener);
        return replay[0].run();
    }

    private ReplaySummary summary(Workload workload, SchedulerConfig.Builder config) {
        ReplayResult result = replay(workload, config, ONE_SECOND, 1);
        assertThat(result.partial()).isFalse();
        assertThat(result.summary().leakedBlocks()).isZero();
        return result.summary();
    }

    @Test
    void oneRequestGivesTheseNumbers() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(5, 1, 25, 4), config(10, 1));
        assertThat(summary.trace()).isEqualTo("handmade");
        assertThat(summary.requests()).isEqualTo(1);
        assertThat(summary.completed()).isEqualTo(1);
        assertThat(summary.promptTokens()).isEqualTo(25);
        assertThat(summary.outputTokens()).isEqualTo(4);
        assertThat(summary.promptBlocks()).as("full pages").isEqualTo(2);
        assertThat(summary.hitBlocks()).isZero();
        assertThat(summary.insertedBlocks()).isEqualTo(2);
        assertThat(summary.steps()).isEqualTo(4);
        assertThat(summary.ttftSeconds().mean()).isEqualTo(1);
        assertThat(summary.tpotSeconds().mean()).isEqualTo(1);
        assertThat(summary.latencySeconds().mean()).isEqualTo(4);
        assertThat(summary.makespanSeconds()).as("from the first arrival").isEqualTo(4);
        assertThat(summary.blocks().total()).isEqualTo(10);
        assertThat(summary.blocks().peakHeld()).isEqualTo(3);
        assertThat(summary.blocks().meanUsedFraction()).isEqualTo(0.3);
        assertThat(summary.blocks().wastedSlotFraction())
                .as("5, 4, 3 and 2 of 30 slots are empty")
                .isCloseTo(14 / 120.0, within(1e-12));
        assertThat(rows).containsExactly(new RequestRow(0, "tenant-0", 25, 4, 0, 0, 0.0, 0.0, 1.0, 4.0, "completed"));
    }

    @Test
    void aRequestOfOneTokenHasNoTimePerOutputToken() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 25, 1), config(10, 1));
        assertThat(summary.latencySeconds().mean()).isEqualTo(1);
        assertThat(summary.tpotSeconds()).isEqualTo(new ReplaySummary.Distribution(null, null, null, null));
    }

    @Test
    void hitsAreThePagesFoundAtFirstAdmission() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 35, 1).add(2, 1, 40, 1), config(10, 1));
        assertThat(summary.promptBlocks()).isEqualTo(7);
        assertThat(summary.hitBlocks()).isEqualTo(3);
        assertThat(summary.hitTokens()).isEqualTo(30);
        assertThat(summary.insertedBlocks()).isEqualTo(4);
        assertThat(rows).extracting(RequestRow::hitTokens).containsExactly(0, 30);
    }

    /** Both grow at 30 tokens; the second one is preempted, resumes later and finds cached pages of its own. */
    @Test
    void aResumedRequestCountsItsPromptAndHitsOnce() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 30, 5).add(0, 2, 30, 5), config(6, 1));
        assertThat(summary.preemptions()).isEqualTo(new ReplaySummary.Preemptions(1, 0));
        assertThat(summary.promptBlocks()).isEqualTo(6);
        assertThat(summary.hitBlocks()).isZero();
        assertThat(summary.hitTokens()).isZero();
        assertThat(summary.outputTokens()).isEqualTo(10);
        assertThat(rows).extracting(RequestRow::preemptions).containsExactly(0, 1);
        assertThat(summary.insertedBlocks())
                .as("its evicted page was inserted again")
                .isEqualTo(7);
        assertThat(summary.evictedBlocks()).isEqualTo(2);
    }

    @Test
    void whatNeverFitsIsRejectedAndWhatOutgrowsFails() {
        ReplaySummary summary = summary(
                new HandmadeWorkload().add(0, 1, 60, 1).add(0, 2, 45, 100).add(0, 3, 10, 1), config(6, 1));
        assertThat(summary.requests()).isEqualTo(3);
        assertThat(summary.rejected()).isEqualTo(1);
        assertThat(summary.failed()).isEqualTo(1);
        assertThat(summary.completed()).isEqualTo(1);
        assertThat(summary.promptTokens()).as("of the requests read").isEqualTo(115);
        assertThat(summary.promptBlocks()).as("of those admitted").isEqualTo(5);
        assertThat(summary.outputTokens()).as("16 delivered before it failed").isEqualTo(17);
        assertThat(summary.latencySeconds().mean()).as("of the completed").isEqualTo(1);
        assertThat(rows).extracting(RequestRow::outcome).containsExactly("rejected", "completed", "failed");
        assertThat(rows.get(0).admittedSeconds()).isNaN();
    }

    @Test
    void percentilesAreTheSortedValueNumberFloorPN() {
        double[] sorted = new double[10];
        for (int i = 0; i < 10; i++) {
            sorted[i] = i + 1;
        }
        assertThat(ReplaySummary.Distribution.ofSorted(sorted))
                .isEqualTo(new ReplaySummary.Distribution(5.5, 6.0, 10.0, 10.0));
        assertThat(ReplaySummary.Distribution.ofSorted(new double[] {3}))
                .isEqualTo(new ReplaySummary.Distribution(3.0, 3.0, 3.0, 3.0));
        assertThat(ReplaySummary.Distribution.ofSorted(new double[] {1, 2, 3}))
                .isEqualTo(new ReplaySummary.Distribution(2.0, 2.0, 3.0, 3.0));
    }

    @Test
    void meanUseIsWeightedByTimePausesIncluded() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 20, 1).add(9, 2, 40, 1), config(10, 1));
        assertThat(summary.makespanSeconds()).isEqualTo(10);
        assertThat(summary.blocks().meanUsedFraction())
                .as("2 blocks for one second, 4 for another, of ten seconds")
                .isCloseTo(0.06, within(1e-12));
        assertThat(summary.blocks().wastedSlotFraction()).isZero();
    }

    @Test
    void timeEndsWithTheLastStepWhateverIsRefusedLater() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 20, 1).add(1000, 2, 200, 1), config(10, 1));
        assertThat(summary.rejected()).isEqualTo(1);
        assertThat(summary.makespanSeconds()).isEqualTo(1);
        assertThat(summary.blocks().meanUsedFraction()).isEqualTo(0.2);
    }

    @Test
    void withoutAStepThereIsNoTime() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 200, 1).add(9, 2, 200, 1), config(10, 1));
        assertThat(summary.rejected()).isEqualTo(2);
        assertThat(summary.makespanSeconds()).isZero();
        assertThat(summary.blocks().meanUsedFraction()).isNull();
    }

    @Test
    void promptTokensCountWhenTheirStepEndsAsOutputsDo() {
        replay(new HandmadeWorkload().add(0, 1, 20, 2), config(10, 1), CostModel.linear(2.5, 0, 0), 1);
        assertThat(ticks).extracting(Tick::seconds).containsExactly(0.0, 1.0, 2.0, 3.0, 4.0, 5.0);
        assertThat(ticks).extracting(Tick::promptTokens).containsExactly(0L, 0L, 0L, 20L, 0L, 0L);
        assertThat(ticks).extracting(Tick::outputTokens).containsExactly(0L, 0L, 0L, 1L, 0L, 0L);
    }

    @Test
    void theCostOfAStepIsThatOfItsWork() {
        ReplayResult result =
                replay(new HandmadeWorkload().add(0, 1, 20, 2), config(10, 1), CostModel.linear(1, 0.1, 0.01), 1);
        assertThat(result.summary().ttftSeconds().mean()).isCloseTo(1 + 2 + 0.2, within(1e-9));
        assertThat(result.summary().tpotSeconds().mean()).isCloseTo(1 + 0.21, within(1e-9));
    }

    @Test
    void everySecondHasATickAndALongPauseOnlyItsFirstAndLast() {
        summary(new HandmadeWorkload().add(0, 1, 20, 3).add(20.5, 2, 20, 2), config(10, 1));
        assertThat(ticks).extracting(Tick::seconds).containsExactly(0.0, 1.0, 2.0, 3.0, 4.0, 20.0, 21.0, 22.0);
        assertThat(ticks).extracting(Tick::running).containsExactly(0, 1, 1, 1, 0, 0, 1, 1);
        assertThat(ticks).extracting(Tick::promptTokens).containsExactly(0L, 0L, 20L, 0L, 0L, 0L, 0L, 20L);
        assertThat(ticks.stream().mapToLong(Tick::outputTokens).sum())
                .as("the last token came after the last tick")
                .isEqualTo(4);
        assertThat(ticks.get(5).cachedBlocks()).isEqualTo(2);
        assertThat(ticks.get(6).heldBlocks()).isEqualTo(2);
    }

    @Test
    void aStoppedReplayGivesWhatItHasAndEveryBlockBack() {
        stopAfter = 2;
        HandmadeWorkload workload = new HandmadeWorkload();
        for (int i = 0; i < 10; i++) {
            workload.add(i, i, 25, 3 + i);
        }
        ReplayResult result = replay(workload, config(40, 1).maxStepsInFlight(2), ONE_SECOND, 1);
        assertThat(result.partial()).isTrue();
        assertThat(result.summary().completed()).isEqualTo(2);
        assertThat(result.summary().requests()).isBetween(3L, 9L);
        assertThat(result.summary().leakedBlocks()).isZero();
        assertThat(rows).as("the cancelled are not told of").hasSize(2);
    }

    @Test
    void anEmptyWorkloadHasNoNumbersAndNoError() {
        ReplaySummary summary = summary(new HandmadeWorkload(), config(10, 1));
        assertThat(summary.requests()).isZero();
        assertThat(summary.steps()).isZero();
        assertThat(summary.makespanSeconds()).isZero();
        assertThat(summary.ttftSeconds().p99()).isNull();
        assertThat(summary.blocks().meanUsedFraction()).isNull();
        assertThat(summary.blocks().wastedSlotFraction()).isNull();
    }

    private static HandmadeWorkload crowd() {
        HandmadeWorkload workload = new HandmadeWorkload();
        for (int i = 0; i < 60; i++) {
            workload.add(i * 0.3, i % 7, 5 + i % 40, 1 + i % 11);
        }
        return workload;
    }

    @Test
    void theSameReplayGivesTheSameResult() {
        SchedulerConfig.Builder config = config(12, 2).policy(QueuePolicy.FAIR).maxStepsInFlight(2);
        ReplayResult first = replay(crowd(), config, ONE_SECOND, 3);
        List<RequestRow> firstRows = List.copyOf(rows);
        List<Tick> firstTicks = List.copyOf(ticks);
        rows.clear();
        ticks.clear();
        ReplayResult second = replay(crowd(), config, ONE_SECOND, 3);
        assertThat(rows).isEqualTo(firstRows);
        assertThat(ticks).isEqualTo(firstTicks);
        assertThat(second.latencySeconds()).containsExactly(first.latencySeconds());
        assertThat(second.summary())
                .usingRecursiveComparison()
                .ignoringFields("wallSeconds")
                .isEqualTo(first.summary());
    }

    @Test
    void replicasShareTheWorkAndAStepTakesAsLongAsTheSlowest() {
        HandmadeWorkload workload = new HandmadeWorkload().add(0, 1, 30, 1).add(0, 2, 10, 1);
        ReplayResult result = replay(workload, config(10, 2), CostModel.linear(1, 0.1, 0), 1);
        assertThat(result.summary().steps()).isEqualTo(1);
        assertThat(result.summary().makespanSeconds()).isCloseTo(4, within(1e-9));
        assertThat(result.summary().blocks().total()).isEqualTo(20);
        assertThat(result.summary().blocks().peakHeld()).isEqualTo(4);
        assertThat(result.summary().leakedBlocks()).isZero();
    }

    @Test
    void withOverlapTheVoidStepAfterAStopTakesTimeButDeliversNothing() {
        ReplayResult result =
                replay(new HandmadeWorkload().add(0, 1, 25, 3), config(10, 1).maxStepsInFlight(2), ONE_SECOND, 1);
        ReplaySummary summary = result.summary();
        assertThat(summary.outputTokens()).isEqualTo(3);
        assertThat(summary.steps()).isEqualTo(4);
        assertThat(summary.latencySeconds().mean()).isEqualTo(3);
        assertThat(summary.makespanSeconds()).as("to the end of the last step").isEqualTo(4);
        assertThat(summary.leakedBlocks()).isZero();
    }

    @Test
    void requestsAreDealtToAllTenants() {
        ReplayResult result = replay(crowd(), config(12, 1).policy(QueuePolicy.FAIR), ONE_SECOND, 3);
        assertThat(rows).extracting(RequestRow::tenant).contains("tenant-0", "tenant-1", "tenant-2");
        assertThat(result.summary().completed()).isEqualTo(60);
    }

    /** Every draft is right: 3 drafts and a token a step, each of 1 s and a pass of 0.1 s for each draft of the chain. */
    @Test
    void draftsAreComputedWithTheStepAndDraftedAfterIt() {
        KvCacheParams params = KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(2)
                .pageSize(10)
                .devices(DeviceRef.gpus(1))
                .speculativeMethod(SpeculativeMethod.EAGLE)
                .numDraftTokens(3)
                .build();
        SchedulerConfig config = SchedulerConfig.builder(MultiKvCacheParams.fromParams(params), 10)
                .watermark(0)
                .draftPolicy(() -> DraftPolicy.fixed(3))
                .verifyInvariants(true)
                .build();
        ReplayOptions options = new ReplayOptions(
                config,
                CostModel.linear(1, 0.01, 0),
                1,
                1,
                1,
                false,
                false,
                null,
                new Speculation(Acceptance.of(1), Speculation.linearCost(0.1, 0.02)),
                null);
        ReplaySummary summary = new Replay(new HandmadeWorkload().add(0, 1, 20, 9), options, new ReplayListener() {})
                .run()
                .summary();
        assertThat(summary.outputTokens()).isEqualTo(9);
        assertThat(summary.steps()).as("a token, and twice four").isEqualTo(3);
        double drafting = 3 * (0.1 + 0.02);
        assertThat(summary.makespanSeconds())
                .isCloseTo(1 + 20 * 0.01 + drafting + 2 * (1 + 3 * 0.01 + drafting), within(1e-9));
        assertThat(summary.outputTokensPerSecond()).isCloseTo(9 / summary.makespanSeconds(), within(1e-9));
        assertThat(summary.drafts()).isEqualTo(new ReplaySummary.Drafts(9, 6, 0, 3, 6, 3.0));
        assertThat(summary.leakedBlocks()).isZero();
    }
}
