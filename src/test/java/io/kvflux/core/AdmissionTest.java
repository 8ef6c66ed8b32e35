package io.kvflux.core;

import static io.kvflux.core.Driver.counts;
import static io.kvflux.core.Driver.ids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.FinishReason;
import io.kvflux.api.MediaItem;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.Step;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who gets into a step, in what pieces, and where. */
class AdmissionTest {

    @Test
    void aPromptThatCanNeverFitIsRefusedWithTheNumbers() {
        Driver driver = new Driver(Driver.config(16, 10));
        assertThatThrownBy(() -> driver.submit(160))
                .isInstanceOf(SequenceTooLongException.class)
                .hasMessage("a sequence must fit into one replica, but 161 tokens need 11 blocks:"
                        + " neededBlocks=11, usableBlocks=10, pageSize=16");
        driver.assertEverythingIsBack();
        assertThat(driver.log).isEmpty();
        driver.submit(159);
        assertThat(counts(driver.plan())).containsExactly(159);
    }

    @Test
    void aSequenceThatOutgrowsItsReplicaFailsWithWhatItGeneratedDelivered() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = driver.submit(150);
        SequenceId next = driver.submit(driver.prompt(100).maxTokens(1));
        driver.drain();
        assertThat(driver.endings).containsEntry(id, FinishReason.FAILED).containsEntry(next, FinishReason.LENGTH);
        assertThat(driver.outputs.get(id))
                .as("160 slots, and the last token needs none")
                .hasSize(11);
        assertThat(driver.causes.get(id)).isInstanceOfSatisfying(SequenceTooLongException.class, cause -> {
            assertThat(cause.neededBlocks()).isEqualTo(11);
            assertThat(cause.usableBlocks()).isEqualTo(10);
            assertThat(cause.pageSize()).isEqualTo(16);
        });
        driver.assertEverythingIsBack();
    }

    @Test
    void aChunkNeverLeavesASmallRemainder() {
        for (int length = 1; length <= 150; length++) {
            Driver driver = new Driver(
                    Driver.config(16, 20).maxBatchSize(4).maxBatchTokens(50).minChunkTokens(16));
            driver.submit(driver.prompt(length).maxTokens(1));
            int remaining = length;
            while (remaining > 0) {
                Step step = driver.plan();
                remaining -= step.tokenCount(0);
                assertThat(step.samples(0)).isEqualTo(remaining == 0);
                assertThat(remaining == 0 || remaining >= 16)
                        .as("length=%d", length)
                        .isTrue();
                driver.complete();
            }
        }
    }

    @Test
    void aChunkIsCutShorterRatherThanLeaveASmallRemainder() {
        Driver driver = new Driver(
                Driver.config(16, 20).maxBatchSize(4).maxBatchTokens(50).minChunkTokens(16));
        driver.submit(60);
        assertThat(counts(driver.plan())).containsExactly(44);
        driver.complete();
        assertThat(counts(driver.plan())).containsExactly(16);
    }

    @Test
    void decodesComeBeforeChunksAndChunksBeforeAdmissions() {
        Driver driver = new Driver(Driver.config(16, 20).maxBatchSize(4).maxBatchTokens(20));
        SequenceId decoding = driver.submit(5);
        SequenceId prefilling = driver.submit(40);
        driver.step();
        SequenceId waiting = driver.submit(10);
        Step second = driver.plan();
        assertThat(ids(second)).containsExactly(decoding, prefilling);
        assertThat(counts(second)).containsExactly(1, 19);
        driver.complete();
        Step third = driver.plan();
        assertThat(ids(third)).containsExactly(decoding, prefilling, waiting);
        assertThat(counts(third)).containsExactly(1, 6, 10);
    }

    /** The chunk of 44 leaves 6 tokens of the step, and one block unallocated. */
    @Test
    void blocksThatAdmittedPromptsHaveStillToAllocateAreReserved() {
        for (boolean reserve : new boolean[] {true, false}) {
            Driver driver = new Driver(Driver.config(10, 10)
                    .maxBatchSize(4)
                    .maxBatchTokens(50)
                    .minChunkTokens(16)
                    .reservePrefills(reserve));
            driver.submit(60);
            driver.submit(45);
            assertThat(counts(driver.plan())).isEqualTo(reserve ? List.of(44) : List.of(44, 6));
        }
    }

    @Test
    void fifoNeverAdmitsPastAHeadThatDoesNotFit() {
        Driver driver = new Driver(Driver.config(10, 10));
        SequenceId running = driver.submit(55);
        SequenceId head = driver.submit(45);
        SequenceId small = driver.submit(5);
        assertThat(ids(driver.plan())).containsExactly(running);
        driver.complete();
        driver.core.cancel(running);
        assertThat(ids(driver.plan())).containsExactly(head, small);
    }

    @Test
    void aHeadThatDoesNotFitIsPassedAtMostMaxSkipsTimesEvenInOneStep() {
        Driver driver =
                new Driver(Driver.config(10, 10).policy(QueuePolicy.PRIORITY).maxSkips(2));
        SequenceId running = driver.submit(55);
        SequenceId head = driver.submit(45);
        SequenceId one = driver.submit(driver.prompt(5).maxTokens(1));
        SequenceId two = driver.submit(driver.prompt(5).maxTokens(1));
        SequenceId three = driver.submit(driver.prompt(5).maxTokens(1));
        assertThat(ids(driver.plan())).containsExactly(running, one, two);
        driver.complete();
        assertThat(ids(driver.plan())).as("everybody waits for the head").containsExactly(running);
        driver.complete();
        driver.core.cancel(running);
        assertThat(ids(driver.plan())).containsExactly(head, three);
    }

    @Test
    void aHeadThatDoesNotFitIsPassedAtMostMaxSkipsTimesOverManySteps() {
        Driver driver =
                new Driver(Driver.config(10, 10).policy(QueuePolicy.FAIR).maxSkips(3));
        driver.submit(driver.prompt(55).tenant("a"));
        driver.step();
        SequenceId head = driver.submit(driver.prompt(45).tenant("b"));
        for (int i = 0; i < 3; i++) {
            SequenceId small = driver.submit(driver.prompt(5).tenant("c").maxTokens(1));
            assertThat(ids(driver.plan())).hasSize(2).contains(small);
            driver.complete();
        }
        driver.submit(driver.prompt(5).tenant("c").maxTokens(1));
        assertThat(driver.plan().size()).as("everybody waits for the head").isEqualTo(1);
        assertThat(driver.hits).doesNotContainKey(head);
    }

    @Test
    void withMaxSkipsZeroNobodyPassesTheHead() {
        Driver driver =
                new Driver(Driver.config(10, 10).policy(QueuePolicy.PRIORITY).maxSkips(0));
        SequenceId running = driver.submit(55);
        driver.submit(45);
        driver.submit(5);
        assertThat(ids(driver.plan())).containsExactly(running);
    }

    @Test
    void aSequenceGoesToTheReplicaWithTheLongestMatchThenTheLeastHeld() {
        Driver driver = new Driver(Driver.config(16, 20, 2));
        SequenceSpec shared = driver.prompt(40);
        SequenceId first = driver.submit(shared.maxTokens(1));
        driver.step();
        assertThat(driver.replicas).containsEntry(first, 0);
        SequenceId other = driver.submit(100);
        driver.step();
        assertThat(driver.replicas).as("of equals the first").containsEntry(other, 0);
        SequenceId matching = driver.submit(shared);
        SequenceId unrelated = driver.submit(10);
        Step step = driver.plan();
        assertThat(driver.replicas).containsEntry(matching, 0).containsEntry(unrelated, 1);
        assertThat(driver.hits).containsEntry(matching, 32);
        assertThat(step.firstEntry(1)).isEqualTo(2);
        assertThat(step.sequence(2)).isEqualTo(unrelated);
    }

    @Test
    void aReplicaWithoutRoomSendsItsMatchElsewhere() {
        Driver driver = new Driver(Driver.config(16, 4, 2));
        SequenceSpec shared = driver.prompt(40);
        driver.submit(shared.maxTokens(1));
        driver.step();
        SequenceId filler = driver.submit(20);
        driver.step();
        assertThat(driver.replicas).containsEntry(filler, 0);
        SequenceId matching = driver.submit(shared);
        driver.step();
        assertThat(driver.replicas).containsEntry(matching, 1);
        assertThat(driver.hits).containsEntry(matching, 0);
    }

    @Test
    void differentSaltsAndAdaptersShareNothing() {
        Driver driver = new Driver(Driver.config(16, 40));
        SequenceSpec prompt = driver.prompt(40).maxTokens(1);
        driver.submit(prompt.salt("s"));
        driver.step();
        SequenceId same = driver.submit(prompt.salt("s"));
        SequenceId salted = driver.submit(prompt.salt("t"));
        SequenceId adapted = driver.submit(prompt.salt("s").adapter("a"));
        SequenceId plain = driver.submit(prompt);
        driver.step();
        assertThat(driver.hits)
                .containsEntry(same, 32)
                .containsEntry(salted, 0)
                .containsEntry(adapted, 0)
                .containsEntry(plain, 0);
    }

    @Test
    void mediaOfOtherContentSharesOnlyWhatComesBeforeIt() {
        Driver driver = new Driver(Driver.config(16, 40));
        SequenceSpec prompt = driver.prompt(60).maxTokens(1);
        byte[] content = new byte[MediaItem.HASH_BYTES];
        byte[] other = new byte[MediaItem.HASH_BYTES];
        other[0] = 1;
        driver.submit(prompt.media(List.of(new MediaItem(20, 5, content))));
        driver.step();
        SequenceId same = driver.submit(prompt.media(List.of(new MediaItem(20, 5, content))));
        SequenceId differs = driver.submit(prompt.media(List.of(new MediaItem(20, 5, other))));
        driver.step();
        assertThat(driver.hits).containsEntry(same, 48).containsEntry(differs, 16);
    }

    /** A walk through each prompt costs time, so the ninth refused one ends the search. */
    @Test
    void aPlanLooksPastEightThatDoNotFit() {
        for (int tooLarge : new int[] {8, 9}) {
            Driver driver = new Driver(Driver.config(10, 10).policy(QueuePolicy.PRIORITY));
            driver.submit(55);
            for (int i = 0; i < tooLarge; i++) {
                driver.submit(45);
            }
            driver.submit(5);
            assertThat(driver.plan().size()).isEqualTo(tooLarge == 8 ? 2 : 1);
        }
    }

    /** The prompt's second chunk does not fit beside a decode, so as long as others came it would wait. */
    @Test
    void nobodyIsAdmittedPastAnAdmittedPromptThatFindsNoRoomForItsContext() {
        Driver driver = new Driver(
                Driver.config(10, 50).maxBatchSize(4).maxBatchTokens(60).maxBatchContextTokens(100));
        SequenceId decoding = driver.submit(driver.prompt(10).maxTokens(3));
        SequenceId prompt = driver.submit(120);
        assertThat(counts(driver.plan())).containsExactly(10, 50);
        driver.complete();
        driver.submit(5);
        assertThat(ids(driver.plan())).containsExactly(decoding);
        driver.complete();
        driver.step();
        assertThat(driver.endings).containsKey(decoding);
        assertThat(ids(driver.plan()))
                .as("alone a context of any size is allowed")
                .startsWith(prompt);
    }

    @Test
    void decodesTakeTurnsWhenAStepCannotHoldThemAll() {
        Driver driver = new Driver(Driver.config(10, 50).maxBatchContextTokens(40));
        SequenceId first = driver.submit(15);
        SequenceId second = driver.submit(15);
        driver.step();
        SequenceId third = driver.core.submit(driver.prompt(15), Driver.ALL);
        driver.fork(first, Driver.ALL);
        assertThat(ids(driver.plan())).containsExactly(first, second);
        driver.complete();
        assertThat(ids(driver.plan()))
                .as("the fork's turn")
                .hasSize(2)
                .contains(first)
                .doesNotContain(second);
        assertThat(driver.hits).doesNotContainKey(third);
    }
}
