package io.kvflux.core;

import static io.kvflux.core.DraftDriver.fixed;
import static io.kvflux.core.DraftDriver.tokens;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.draft.DraftPolicy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How many drafts are verified and granted, which slots they have, and what comes back when. */
class DraftsTest {

    private static int pages(int tokens, int pageSize) {
        return (tokens + pageSize - 1) / pageSize;
    }

    @Nested
    class Slots {

        @ParameterizedTest
        @CsvSource({"120, 1, 1", "125, 1, 2", "128, 2, 2", "121, 1, 1", "122, 1, 2", "118, 1, 1"})
        void aStepHasSlotsForWhatItComputesAndForWhatItGrants(int prompt, int prefilled, int decoded) {
            DraftDriver driver = new DraftDriver(fixed(128, 10, 3));
            driver.submit(prompt);
            assertThat(driver.plan().blockCount(0)).isEqualTo(prefilled).isEqualTo(pages(prompt + 3, 128));
            driver.complete();
            Step decode = driver.plan();
            assertThat(List.of(decode.cacheLength(0), decode.tokenCount(0), decode.drafts(0), decode.granted(0)))
                    .containsExactly(prompt, 4, 3, 3);
            assertThat(decode.blockCount(0)).isEqualTo(decoded).isEqualTo(pages(prompt + 1 + 3 + 3, 128));
        }

        @ParameterizedTest
        @CsvSource({"127, 1, 1, 1, 2", "126, 2, 1, 1, 1", "127, 3, 1, 1, 2", "128, 1, 1, 2, 2"})
        void withoutDraftsEveryStepInFlightTakesASlot(int prompt, int inFlight, int prefilled, int decoded, int again) {
            DraftDriver driver = new DraftDriver(
                    DraftDriver.config(128, 10, 3, () -> DraftPolicy.fixed(0)).maxStepsInFlight(inFlight));
            driver.submit(prompt);
            int[] counts = new int[3];
            for (int i = 0; i < 3; i++) {
                if (driver.core.stepsInFlight() == inFlight) {
                    driver.complete();
                }
                counts[i] = driver.plan().blockCount(0);
            }
            assertThat(counts)
                    .containsExactly(prefilled, decoded, again)
                    .containsExactly(pages(prompt, 128), pages(prompt + 1, 128), pages(prompt + 2, 128));
        }

        @Test
        void whatWasRejectedComesBackAtOnce() {
            DraftDriver driver = new DraftDriver(fixed(4, 10, 3));
            driver.submit(4);
            driver.step();
            assertThat(driver.held()).as("4 + 3 tokens").isEqualTo(2);
            driver.accepts = 0;
            driver.plan();
            assertThat(driver.held()).as("5 + 3 + 3 tokens").isEqualTo(3);
            driver.complete();
            assertThat(driver.held()).as("5 + 3 tokens").isEqualTo(2);
            assertThat(driver.ledger().rejected()).isEqualTo(3);
        }

        @Test
        void slotsOfDraftsThatWereNotMadeComeBack() {
            DraftDriver driver = new DraftDriver(fixed(4, 10, 5));
            driver.submit(4);
            driver.makes = 0;
            driver.plan();
            assertThat(driver.held()).as("4 + 5 tokens").isEqualTo(3);
            driver.complete();
            assertThat(driver.held()).as("4 tokens").isEqualTo(1);
            assertThat(driver.ledger().aborted()).isEqualTo(5);
            assertThat(driver.plan().drafts(0)).isZero();
        }
    }

    @Nested
    class Overlap {

        @Test
        void theNextStepIsPlannedAsIfAllDraftsWereAccepted() {
            DraftDriver driver = new DraftDriver(fixed(128, 10, 3).maxStepsInFlight(3));
            driver.submit(120);
            driver.plan();
            Step second = driver.plan();
            Step third = driver.plan();
            assertThat(List.of(second.cacheLength(0), second.unverified(0), second.blockCount(0)))
                    .containsExactly(120, 0, 1);
            assertThat(List.of(third.cacheLength(0), third.unverified(0), third.blockCount(0)))
                    .containsExactly(124, 3, 2);
            assertThat(third.token(0, 0)).isEqualTo(Step.PENDING_TOKEN);
            assertThat(third.token(0, 3)).isEqualTo(Step.PENDING_TOKEN);
        }

        @Test
        void aLateRejectionUndoesWhatWasBuiltOnIt() {
            DraftDriver driver = new DraftDriver(fixed(128, 10, 3).maxStepsInFlight(3));
            driver.accepts = 0;
            driver.submit(120);
            driver.plan();
            driver.plan();
            Step third = driver.plan();
            driver.complete();
            assertThat(driver.held()).isEqualTo(2);
            driver.complete();
            assertThat(driver.held()).as("125 + 3 tokens").isEqualTo(1);
            assertThat(driver.core.pool(0).withheldBlocks())
                    .as("until the third is over")
                    .isEqualTo(1);
            assertThat(third.blockCount(0)).isEqualTo(2);
            Step fourth = driver.plan();
            assertThat(List.of(fourth.cacheLength(0), fourth.unverified(0))).containsExactly(125, 3);
            driver.complete();
            driver.core.cancel(fourth.sequence(0));
            driver.drain();
            assertThat(driver.ledger().accepted()).isZero();
        }

        @ParameterizedTest
        @ValueSource(ints = {1, 2, 3})
        void whatIsGeneratedDoesNotDependOnTheOverlap(int inFlight) {
            for (int accepts = 0; accepts <= 3; accepts++) {
                DraftDriver driver = new DraftDriver(fixed(4, 30, 3).maxStepsInFlight(inFlight));
                driver.accepts = accepts;
                SequenceId id = driver.core.submit(driver.prompt(5).maxTokens(23), Driver.ALL);
                driver.drain();
                assertThat(driver.outputs.get(id)).isEqualTo(tokens(23));
                assertThat(driver.endings).containsEntry(id, FinishReason.LENGTH);
            }
        }

        @ParameterizedTest
        @ValueSource(ints = {1, 2, 3})
        void aStopTokenAmongTheDraftsEndsASequenceThere(int inFlight) {
            DraftDriver driver = new DraftDriver(fixed(4, 30, 3).maxStepsInFlight(inFlight));
            SequenceSpec spec = driver.prompt(5).stopTokens(DraftDriver.FIRST + 2);
            SequenceId id = driver.core.submit(spec, Driver.ALL);
            driver.drain();
            assertThat(driver.outputs.get(id)).isEqualTo(tokens(3));
            assertThat(driver.endings).containsEntry(id, FinishReason.STOP);
        }

        @Test
        void draftsThatWereNotMadeTakeNothingFromALaterGrant() {
            DraftDriver driver = new DraftDriver(fixed(4, 30, 3).maxStepsInFlight(2));
            driver.submit(5);
            driver.makes = 1;
            driver.plan();
            driver.makes = 3;
            driver.plan();
            driver.complete();
            assertThat(driver.plan().drafts(0)).isEqualTo(3);
            driver.complete();
            assertThat(driver.ledger().aborted()).as("of the first grant").isEqualTo(2);
        }

        @Test
        void moreAcceptedThanWereMadeEndsTheSequence() {
            DraftDriver driver = new DraftDriver(fixed(4, 30, 3).maxStepsInFlight(2));
            SequenceId id = driver.submit(5);
            driver.makes = 1;
            driver.plan();
            StepResult result = new StepResult().reset(driver.plan());
            driver.complete();
            result.token(0, DraftDriver.FIRST);
            result.accepted(0, 2);
            driver.core.complete(result);
            assertThat(driver.causes.get(id))
                    .hasMessage("only drafts that were made can be accepted, sequence=" + id
                            + ", step=2, made=1, accepted=2");
            assertThat(driver.ledger().inFlight()).isZero();
        }
    }

    @Nested
    class Limits {

        @Test
        void aClientThatStopsReadingStopsDrafting() {
            DraftDriver driver = new DraftDriver(fixed(4, 30, 3));
            SequenceId id = driver.core.submit(driver.prompt(5), 4);
            assertThat(driver.plan().granted(0)).isEqualTo(2);
            driver.complete();
            Step verifies = driver.plan();
            assertThat(List.of(verifies.drafts(0), verifies.granted(0))).containsExactly(2, 0);
            driver.complete();
            assertThat(driver.outputs.get(id)).hasSize(4);
            assertThat(driver.planIfAny()).isNull();
            driver.core.request(id, 1);
            Step one = driver.plan();
            assertThat(List.of(one.drafts(0), one.granted(0))).containsExactly(0, 0);
        }

        @Test
        void theTokenLimitLeavesNoDraftWithoutUse() {
            DraftDriver driver = new DraftDriver(fixed(4, 30, 3));
            driver.core.submit(driver.prompt(5).maxTokens(6), Driver.ALL);
            driver.drain();
            assertThat(driver.ledger().granted()).as("1 token, 1 + 3, 1").isEqualTo(3);
            assertThat(driver.ledger().aborted()).isZero();
        }

        @Test
        void draftsLeaveRoomForDecodesAndForAChunk() {
            DraftDriver driver = new DraftDriver(
                    fixed(4, 60, 3).maxBatchSize(3).maxBatchTokens(6).minChunkTokens(2));
            driver.submit(3);
            driver.submit(3);
            driver.step();
            driver.step();
            SequenceId last = driver.submit(20);
            int steps = 0;
            while (!driver.outputs.containsKey(last)) {
                Step step = driver.plan();
                StepChecks.limits(step, driver.config);
                assertThat(Driver.ids(step)).as("its chunk has room").contains(last);
                driver.complete();
                assertThat(++steps).isLessThan(20);
            }
        }

        @Test
        void noMoreThanTheCapAreInFlightAndSequencesTakeTurns() {
            DraftDriver driver = new DraftDriver(fixed(4, 60, 3).maxInFlightDraftTokens(4));
            Set<SequenceId> drafted = new HashSet<>();
            List<SequenceId> all = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                all.add(driver.submit(3));
            }
            for (int i = 0; i < 12; i++) {
                Step step = driver.plan();
                for (int entry = 0; entry < step.size(); entry++) {
                    if (step.granted(entry) > 0) {
                        drafted.add(step.sequence(entry));
                    }
                }
                driver.complete();
            }
            assertThat(drafted).containsExactlyInAnyOrderElementsOf(all);
            assertThat(driver.ledger().mostInFlight()).isEqualTo(4);
        }

        @Test
        void noMoreThanTheCachesHaveRoomFor() {
            DraftDriver driver = new DraftDriver(DraftDriver.config(4, 60, 2, () -> DraftPolicy.fixed(9)));
            driver.submit(3);
            assertThat(driver.plan().granted(0)).isEqualTo(2);
        }
    }

    @Nested
    class Pressure {

        @Test
        void whereNoPageIsLeftAnEntryVerifiesWhatItsPagesHold() {
            DraftDriver driver = new DraftDriver(fixed(4, 2, 3));
            driver.core.submit(driver.prompt(2).maxTokens(3), Driver.ALL);
            driver.core.submit(driver.prompt(2).maxTokens(3), Driver.ALL);
            driver.drain();
            assertThat(driver.preempted).isZero();
            assertThat(driver.ledger().accepted()).isPositive();
        }

        @Test
        void draftsGiveWayBeforeAnybodyIsPreempted() {
            DraftDriver driver = new DraftDriver(fixed(4, 4, 3));
            driver.submit(6);
            SequenceId paused = driver.core.submit(driver.prompt(4), 1);
            driver.step();
            assertThat(driver.core.pool(0).availableBlocks())
                    .as("6 + 3 tokens took the last page")
                    .isZero();
            driver.core.request(paused, 1);
            Step step = driver.plan();
            assertThat(Driver.ids(step)).hasSize(2);
            assertThat(step.drafts(0)).as("what is left of its page").isEqualTo(1);
            assertThat(driver.ledger().aborted()).isEqualTo(2);
            assertThat(driver.preempted).isZero();
        }

        /** The eldest takes its blocks before anybody is placed, but no more than that from others either. */
        @Test
        void draftsGiveWayToTheEldestToo() {
            DraftDriver driver = new DraftDriver(
                    fixed(4, 4, 3).victimRule(VictimRule.MOST_WORK).ageing(1));
            SequenceId eldest = driver.core.submit(driver.prompt(4), 1);
            driver.submit(6);
            driver.step();
            assertThat(driver.core.pool(0).availableBlocks())
                    .as("6 + 3 tokens took the last page")
                    .isZero();
            driver.core.request(eldest, 1);
            assertThat(Driver.ids(driver.plan())).hasSize(2);
            assertThat(driver.ledger().aborted()).isEqualTo(2);
            assertThat(driver.preempted).isZero();
        }

        @ParameterizedTest
        @ValueSource(ints = {12, 16, 20, 24})
        void nobodyIsPreemptedForDrafts(int blocks) {
            assertThat(preemptions(blocks, () -> DraftPolicy.fixed(4)))
                    .isLessThanOrEqualTo(preemptions(blocks, () -> DraftPolicy.fixed(0)));
        }

        private int preemptions(int blocks, Supplier<DraftPolicy> policy) {
            DraftDriver driver = new DraftDriver(DraftDriver.config(4, blocks, 4, policy));
            driver.accepts = 2;
            for (int i = 0; i < 12; i++) {
                driver.core.submit(driver.prompt(5 + i % 3).maxTokens(14), Driver.ALL);
            }
            driver.drain();
            assertThat(driver.endings).hasSize(12);
            return driver.preempted;
        }

        @Test
        void noGrantOpensAPageBelowTheWatermark() {
            DraftDriver driver = new DraftDriver(fixed(4, 40, 4).watermark(0.25).reservePrefills(false));
            driver.accepts = 3;
            for (int i = 0; i < 30; i++) {
                driver.core.submit(driver.prompt(5 + i % 3).maxTokens(30), Driver.ALL);
            }
            int opened = 0;
            for (Step step = driver.planIfAny(); step != null; step = driver.planIfAny()) {
                int here = 0;
                for (int i = 0; i < step.size(); i++) {
                    here += step.blockCount(i) - pages(step.cacheLength(i) + step.tokenCount(i), 4);
                }
                assertThat(here == 0 || driver.core.pool(0).availableBlocks() >= 10)
                        .isTrue();
                opened += here;
                driver.complete();
            }
            assertThat(opened).isPositive();
        }
    }

    @Nested
    class Credits {

        @Test
        void whatNobodyWaitsForComesBackAtOnce() {
            DraftDriver driver = new DraftDriver(fixed(4, 30, 3));
            SequenceId cancelled = driver.submit(5);
            SequenceId held = driver.submit(5);
            driver.step();
            assertThat(driver.ledger().inFlight()).isEqualTo(6);
            driver.core.cancel(cancelled);
            assertThat(driver.ledger().inFlight()).isEqualTo(3);
            driver.core.pause(held);
            assertThat(driver.ledger().inFlight()).isZero();
            assertThat(driver.ledger().aborted()).isEqualTo(6);
        }

        @Test
        void creditsOfAnEntryComeBackWithItsResult() {
            DraftDriver driver = new DraftDriver(fixed(4, 30, 3));
            SequenceId id = driver.submit(5);
            driver.step();
            driver.plan();
            driver.core.cancel(id);
            assertThat(driver.ledger().inFlight()).as("those that it verifies").isEqualTo(3);
            driver.complete();
            assertThat(driver.ledger().inFlight()).isZero();
            assertThat(driver.ledger().accepted()).isZero();
        }

        @Test
        void aStepThatFailsGivesItsCreditsBack() {
            DraftDriver driver = new DraftDriver(fixed(4, 30, 3).maxStepsInFlight(2));
            driver.submit(5);
            driver.plan();
            driver.complete();
            driver.plan();
            driver.plan();
            driver.fail(new IllegalStateException("device"));
            assertThat(driver.ledger().inFlight()).as("of the step after it").isEqualTo(3);
            driver.fail(new IllegalStateException("device"));
            assertThat(driver.ledger().inFlight()).isZero();
        }

        @Test
        void nobodyIsAskedAboutDraftsWhereThePolicyIsOff() {
            SchedulerConfig.Builder builder = DraftDriver.config(4, 30, 3, DraftPolicy::off);
            SchedulerCore core = new SchedulerCore(builder.build(), new SchedulerListener() {});
            assertThat(core.drafts()).isNull();
        }
    }
}
