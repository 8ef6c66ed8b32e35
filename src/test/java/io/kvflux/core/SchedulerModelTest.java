package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.DraftContext;
import io.kvflux.api.FinishReason;
import io.kvflux.api.Retention;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.tier.Transfer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random submits, results, cancels, pauses, forks, stop tokens and failures against a device that really reads its KV and
 * a model that knows what every sequence must generate. The core verifies itself after every operation.
 */
class SchedulerModelTest {

    private static final int SEEDS = 16;
    private static final int ROUNDS = 65;
    /** Of one round; calls that change nothing, such as a plan of nobody, are not counted. */
    private static final int OPERATIONS = 1_000;

    private static final int MOST_TURNS = 100_000;

    private static long operations;
    private static final Map<String, Long> SEEN = new HashMap<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
    void everySequenceGeneratesItsTokensAndGivesItsBlocksBack(long seed) {
        saw("seeds");
        SplittableRandom seeds = new SplittableRandom(seed);
        for (int i = 0; i < ROUNDS; i++) {
            long roundSeed = seeds.nextLong();
            try {
                new Round(new SplittableRandom(roundSeed)).drive();
            } catch (RuntimeException | AssertionError failure) {
                throw new AssertionError("SchedulerModelTest fails with roundSeed=" + roundSeed, failure);
            }
        }
        System.out.println("SchedulerModelTest seed=" + seed + " rounds=" + ROUNDS + " operations=" + OPERATIONS);
    }

    @AfterAll
    static void everyKindOfEventWasSeen() {
        System.out.println("SchedulerModelTest did " + operations + " operations and saw " + SEEN);
        assertThat(operations).isGreaterThanOrEqualTo(1_000_000L * SEEN.get("seeds") / SEEDS);
        assertThat(SEEN)
                .containsKeys(
                        "preempted",
                        "STOP",
                        "LENGTH",
                        "CANCELLED",
                        "FAILED",
                        "outgrown",
                        "forkShared",
                        "copies",
                        "hits",
                        "paused",
                        "stepFailed",
                        "entryFailed",
                        "rejected",
                        "overlapped",
                        "cleared",
                        "lost",
                        "lost with sequences",
                        "lost with overlap",
                        "lost with transfers",
                        "spared",
                        "spared behind",
                        "held",
                        "hostHits",
                        "tails",
                        "OFFLOAD",
                        "ONLOAD",
                        "failed OFFLOAD",
                        "failed ONLOAD",
                        "STORE",
                        "FETCH",
                        "failed STORE",
                        "failed FETCH",
                        "erased",
                        "retained",
                        "EVICTED on DEVICE",
                        "EVICTED on HOST",
                        "MOVED on HOST",
                        "SPOILED on HOST",
                        "EVICTED on DISK",
                        "SPOILED on DISK",
                        "cleared on DEVICE",
                        "cleared on HOST",
                        "cleared on DISK",
                        "told at first on DEVICE",
                        "told at first on HOST",
                        "told at first on DISK",
                        "matched",
                        "allAccepted",
                        "draftsRejected",
                        "granted after a prefill",
                        "granted after a decode",
                        "drafts unverified with overlap 2",
                        "drafts unverified with overlap 3",
                        "drafted beside",
                        "drafted unasked",
                        "drafter completed",
                        "drafter failed",
                        "accepted beside with overlap 1",
                        "accepted beside with overlap 2",
                        "accepted beside with overlap 3",
                        "rejected beside with overlap 1",
                        "rejected beside with overlap 2",
                        "rejected beside with overlap 3");
    }

    private static boolean saw(String what) {
        SEEN.merge(what, 1L, Long::sum);
        return true;
    }

    private static final class Round implements SchedulerListener {

        final SplittableRandom random;
        long now;
        final SchedulerConfig config;
        SchedulerCore core;
        final ModelDevice device;
        final Map<SequenceId, ModelSequence> sequences = new HashMap<>();
        final List<SequenceId> live = new ArrayList<>();
        final Deque<Step> issued = new ArrayDeque<>();
        final Deque<ModelDevice.Answer[]> answers = new ArrayDeque<>();
        final Deque<List<Object>> contents = new ArrayDeque<>();
        final StepResult result = new StepResult();
        final List<Transfer> transfers = new ArrayList<>();
        /** Of those, the ones whose copies are done; their ends are still to be told. */
        final Set<Transfer> copied = new HashSet<>();

        final Set<SequenceId> held = new HashSet<>();
        final List<SequenceSpec> asked = new ArrayList<>();
        /** In some rounds block events are followed, which costs time. */
        final boolean listens;

        FindableModel findable;

        @Nullable
        SequenceId cancelling;

        boolean failing;
        /** The replica whose memory is lost, and steps that were in flight then; -1 and 0 if none is. */
        int lost = -1;

        long lostAfter;
        /** The newest step that was in flight when one of those came to nothing. */
        long builtUpTo;

        boolean losing;
        /** By step and entry: what counts for nothing. */
        final Set<List<Long>> voided = new HashSet<>();

        boolean calm;
        long lastFirstAdmission;
        long granted;
        ModelDrafter drafter;

        Round(SplittableRandom random) {
            this.random = random;
            config = Configs.random(random);
            drafter = new ModelDrafter(config, random.split(), SchedulerModelTest::saw);
            core = new SchedulerCore(config, this);
            listens = random.nextInt(4) == 0;
            findable = new FindableModel(config, core, SchedulerModelTest::saw);
            device = new ModelDevice(
                    config.replicas(),
                    config.blocksPerReplica(),
                    config.pageSize(),
                    config.hostBlocks(),
                    random.split());
        }

        void drive() {
            for (int life = 0; life < 2; life++) {
                if (listens) {
                    findable.turn();
                }
                for (int done = 0; done < OPERATIONS / 2; done += operate() ? 1 : 0) {
                    follow();
                }
                end();
                follow();
                restart();
            }
            operations += OPERATIONS;
        }

        /** What the block events say is what there is, at any time; now and then nobody listens for a while. */
        void follow() {
            if (listens) {
                findable.check(live.size() + transfers.size());
                if (transfers.isEmpty() && !asked.isEmpty()) {
                    findable.checkMatch(asked.get(random.nextInt(asked.size())));
                }
                if (random.nextInt(200) == 0) {
                    findable.turn();
                }
            }
        }

        /** A process ends; another one begins with what the disk has. */
        void restart() {
            core.close();
            drafter = new ModelDrafter(config, random.split(), SchedulerModelTest::saw);
            core = new SchedulerCore(config, this);
            findable = new FindableModel(config, core, SchedulerModelTest::saw);
            device.restart();
            lost = -1;
            lostAfter = 0;
            builtUpTo = 0;
            voided.clear();
            sequences.clear();
            lastFirstAdmission = 0;
            granted = 0;
            calm = false;
        }

        void end() {
            int turns = 0;
            calm = true;
            List.copyOf(live).forEach(id -> request(id, 1_000_000));
            List.copyOf(held).forEach(this::resume);
            while (!live.isEmpty() || !issued.isEmpty() || !transfers.isEmpty()) {
                assertThat(++turns)
                        .as("it comes to an end: %s, %s", core, config)
                        .isLessThan(MOST_TURNS);
                boolean goesOn = plan() || (issued.isEmpty() ? land() : complete());
                assertThat(goesOn || live.isEmpty())
                        .as("something goes on: %s", core)
                        .isTrue();
            }
            while (plan()) {
                complete(); // copies for forks that have ended
                while (land()) {}
            }
            while (land()) {}
            for (int r = 0; r < config.replicas(); r++) {
                assertThat(core.pool(r).availableBlocks()).isEqualTo(config.blocksPerReplica());
            }
            assertThat(core.running() + core.waiting()).isZero();
            if (core.drafts() != null) {
                assertThat(core.drafts().inFlight()).isZero();
            }
        }

        /** Does something at random; false if there was nothing to do. */
        boolean operate() {
            if (random.nextInt(4) == 0 && land()) {
                return true;
            }
            if (core.drafts() != null && random.nextInt(4) == 0 && draftBeside()) {
                return true;
            }
            int choice = random.nextInt(100);
            if (choice < 12) {
                return submit();
            } else if (choice < 50) {
                return plan();
            } else if (choice < 86) {
                return !issued.isEmpty() && complete();
            } else if (choice < 87) {
                return random.nextInt(10) == 0 ? lose() : core.clearCache() && saw("cleared");
            }
            return !live.isEmpty() && signal(choice, live.get(random.nextInt(live.size())));
        }

        /** One of two replicas loses its memory; false if it is the last. */
        boolean lose() {
            if (config.replicas() == 1 || lost >= 0) {
                return false;
            }
            saw("lost");
            lost = random.nextInt(config.replicas());
            lostAfter = issued.isEmpty() ? 0 : issued.getLast().number();
            if (issued.size() > 1) {
                saw("lost with overlap");
            }
            if (!transfers.isEmpty()) {
                saw("lost with transfers");
            }
            device.lose(lost);
            for (Step step : issued) {
                for (int i = step.firstEntry(lost); i < step.firstEntry(lost + 1); i++) {
                    voided(step, i);
                }
            }
            losing = true;
            core.loseReplica(lost, new IllegalStateException("lost"));
            losing = false;
            return true;
        }

        private boolean voided(Step step, int entry) {
            boolean counted = voided.add(List.of(step.number(), (long) entry));
            if (counted) {
                device.voided(step, entry);
            }
            return counted;
        }

        /** A step comes to nothing when a replica was lost: what is in it and what builds on that is void. */
        void repeat(Step failed) {
            saw(failed.number() > lostAfter ? "spared behind" : "spared");
            if (failed.number() <= lostAfter && !issued.isEmpty()) {
                builtUpTo = Math.max(builtUpTo, issued.getLast().number());
            }
            List<SequenceId> again = new ArrayList<>();
            for (int i = 0; i < failed.size(); i++) {
                if (voided(failed, i)) {
                    again.add(failed.sequence(i));
                }
            }
            core.fail(failed.number(), new IllegalStateException("device"));
            int age = 0;
            for (Step later : issued) {
                int entry = 0;
                for (EntryList part : core.inFlight(age++).parts) {
                    for (int i = 0; i < part.size; i++, entry++) {
                        SequenceId id = later.sequence(entry);
                        assertThat(part.voided[i] || !live.contains(id) || !again.contains(id))
                                .isTrue();
                        if (part.voided[i]) { // forks whose copy it made too
                            voided(later, entry);
                        }
                    }
                }
            }
        }

        /** The drafter does something, or comes or goes. */
        boolean draftBeside() {
            if (random.nextInt(drafter.isOn() ? 200 : 100) == 0) {
                drafter.turn(core);
                return true;
            }
            return drafter.act(core);
        }

        @Override
        public void draft(DraftContext context, int demand) {
            drafter.asked(context, demand, sequences.get(context.sequence()));
        }

        @Override
        public void draftMore(SequenceId id, int demand) {
            drafter.more(id, demand);
        }

        @Override
        public void draftNoMore(SequenceId id) {
            drafter.noMore(id);
        }

        boolean signal(int choice, SequenceId id) {
            if (choice < 88) {
                return random.nextBoolean() ? pause(id) : resume(id);
            } else if (choice < 90) {
                cancel(id);
            } else if (choice < 95) {
                request(id, 1 + random.nextInt(3));
            } else if (live.size() < 24) {
                fork(id);
            } else {
                return false;
            }
            return true;
        }

        boolean pause(SequenceId id) {
            core.pause(id);
            sequences.get(id).admittedOnce = true; // it is not admitted in its turn
            return held.add(id) && saw("held");
        }

        boolean resume(SequenceId id) {
            core.resume(id);
            return held.remove(id);
        }

        @Override
        public void erase(int diskSlot) {
            saw("erased");
            device.erase(diskSlot);
        }

        @Override
        public void transfer(Transfer transfer) {
            saw(transfer.direction().toString());
            transfers.add(transfer);
            if (random.nextBoolean()) {
                device.copy(transfer, transfer.size());
                copied.add(transfer);
            }
        }

        /** A transfer lands, or fails on the way; false if there is none. */
        boolean land() {
            if (transfers.isEmpty()) {
                return false;
            }
            Transfer transfer = transfers.remove(random.nextInt(transfers.size()));
            boolean ofLost = transfer.replica() == lost && !transfer.direction().isOfStore();
            boolean gone = ofLost && !copied.contains(transfer);
            // What was copied before the loss is not copied again, from garbage, to fail half-way.
            boolean fails =
                    gone || (!calm && random.nextInt(8) == 0 && !ofLost && saw("failed " + transfer.direction()));
            int landed = gone ? 0 : fails ? random.nextInt(transfer.size()) : transfer.size();
            if (!copied.remove(transfer) || fails) {
                device.copy(transfer, landed);
            }
            core.landed(transfer, landed, random.nextDouble() * transfer.size(), random.nextBoolean());
            return true;
        }

        boolean submit() {
            if (live.size() >= 16) {
                return false;
            }
            int maxTokens = 1 + random.nextInt(random.nextInt(10) == 0 ? 200 : 20);
            submit(prompt(), maxTokens, random.nextInt(4) > 0, random.nextInt(8) == 0 ? "salted" : "");
            return true;
        }

        void submit(int[] prompt, int maxTokens, boolean stops, String salt) {
            long granted = random.nextInt(3) == 0 ? random.nextInt(5) : Long.MAX_VALUE;
            SequenceSpec spec = SequenceSpec.of(prompt)
                    .maxTokens(maxTokens)
                    .tenant("tenant" + random.nextInt(3))
                    .priority(random.nextInt(3))
                    .salt(salt.isEmpty() ? null : salt);
            spec = stops ? spec.stopTokens(ModelDevice.STOP) : spec;
            spec = random.nextInt(4) == 0 && saw("retained") ? retain(spec) : spec;
            int needed = prompt.length / config.pageSize() + 1;
            try {
                SequenceId id = core.submit(spec, granted);
                asked.add(spec);
                assertThat(needed).isLessThanOrEqualTo(config.blocksPerReplica());
                sequences.put(id, new ModelSequence(id, salt, prompt, maxTokens, stops, granted));
                live.add(id);
            } catch (SequenceTooLongException e) {
                saw("rejected");
                assertThat(needed).isGreaterThan(config.blocksPerReplica());
            }
        }

        SequenceSpec retain(SequenceSpec spec) {
            int from = random.nextInt(20);
            int to = from + 1 + random.nextInt(40);
            return spec.retain(from, to, random.nextInt(101), 1 + random.nextInt(500))
                    .retain(to, Integer.MAX_VALUE, random.nextInt(101), Retention.ALWAYS);
        }

        /** Prompts share beginnings: one of three long texts, cut somewhere, then a few tokens of their own. */
        int[] prompt() {
            int shared = random.nextInt(30);
            int own = 1 + random.nextInt(10);
            int[] prompt = new int[shared + own];
            int text = random.nextInt(3);
            for (int i = 0; i < prompt.length; i++) {
                prompt[i] = i < shared ? (text + i * i) % ModelDevice.VOCABULARY : random.nextInt(4);
            }
            return prompt;
        }

        void request(SequenceId id, long tokens) {
            ModelSequence sequence = sequences.get(id);
            sequence.granted = sequence.granted > Long.MAX_VALUE - tokens ? Long.MAX_VALUE : sequence.granted + tokens;
            core.request(id, tokens);
        }

        void cancel(SequenceId id) {
            cancelling = id;
            assertThat(core.cancel(id)).isTrue();
            assertThat(core.cancel(id)).isFalse();
            cancelling = null;
        }

        void fork(SequenceId parent) {
            int running = core.running();
            long granted = random.nextBoolean() ? Long.MAX_VALUE : random.nextInt(30);
            SequenceId id = core.fork(parent, granted);
            sequences.put(id, new ModelSequence(id, sequences.get(parent), granted));
            live.add(id);
            if (core.running() > running) {
                saw("forkShared");
            }
        }

        boolean plan() {
            boolean full = core.stepsInFlight() == config.maxStepsInFlight();
            core.time(now += random.nextInt(3));
            Step step = core.plan();
            if (step == null) {
                assertThat(full
                                || !issued.isEmpty()
                                || !transfers.isEmpty()
                                || live.stream().allMatch(this::isPaused))
                        .as("nobody who could run is left out of a plan: %s, %s", core, config)
                        .isTrue();
                return false;
            }
            assertThat(full).isFalse();
            if (!issued.isEmpty()) {
                saw("overlapped");
            }
            if (step.copies() > 0) {
                saw("copies");
            }
            StepChecks.limits(step, config);
            StepChecks.inputs(step, config);
            issued.add(step);
            answers.add(device.run(step, sequences, drafter));
            sawDrafts(step);
            contents.add(StepChecks.contents(step));
            return true;
        }

        boolean isPaused(SequenceId id) {
            ModelSequence sequence = sequences.get(id);
            if (sequence.generated() >= sequence.granted || held.contains(id)) {
                saw("paused");
                return true;
            }
            return false;
        }

        boolean complete() {
            Step step = issued.remove();
            ModelDevice.Answer[] answer = answers.remove();
            assertThat(StepChecks.contents(step))
                    .as("a step in flight stays what it was")
                    .isEqualTo(contents.remove());
            device.finished(step.number());
            core.took(step.number(), random.nextDouble() * 10);
            boolean spares = core.spares(step.number());
            assertThat(spares).isEqualTo(step.number() <= Math.max(lostAfter, builtUpTo));
            if (!calm && random.nextInt(spares ? 2 : 200) == 0) {
                saw("stepFailed");
                device.failed(step);
                if (spares) {
                    repeat(step);
                    return true;
                }
                failing = true;
                core.fail(step.number(), new IllegalStateException("device"));
                failing = false;
                return true;
            }
            result.reset(step);
            int failed = !calm && random.nextInt(60) == 0 && step.size() > 0 ? random.nextInt(step.size()) : -1;
            for (int i = 0; i < answer.length; i++) {
                if (i == failed) {
                    saw("entryFailed");
                    device.failed(step, i);
                    result.fail(i, new IllegalStateException("entry"));
                } else if (answer[i].token() >= 0) {
                    report(i, answer[i]);
                }
            }
            failing = failed >= 0;
            core.complete(result);
            failing = false;
            return true;
        }

        private void report(int entry, ModelDevice.Answer answer) {
            result.token(entry, answer.token());
            if (answer.drafts() > 0) {
                saw(answer.accepted() == answer.drafts() ? "allAccepted" : "draftsRejected");
                if (drafter.isOn()) {
                    String how = answer.accepted() == answer.drafts() ? "accepted" : "rejected";
                    saw(how + " beside with overlap " + config.maxStepsInFlight());
                }
                result.accepted(entry, answer.accepted());
            }
            for (int draft : answer.made()) {
                result.draft(entry, draft);
            }
        }

        private void sawDrafts(Step step) {
            for (int i = 0; i < step.size(); i++) {
                granted += step.granted(i);
                if (step.granted(i) > 0) {
                    saw("granted " + (step.isPrefill(i) ? "after a prefill" : "after a decode"));
                }
                if (step.unverified(i) > 0) {
                    saw("drafts unverified with overlap " + config.maxStepsInFlight());
                }
            }
            if (core.drafts() != null) {
                assertThat(core.drafts().granted()).isEqualTo(granted + drafter.granted);
            }
        }

        @Override
        public void admitted(SequenceId id, int replica, int hitTokens, int hostTokens) {
            ModelSequence sequence = sequences.get(id);
            if (sequence == null) {
                return; // a fork that runs at once: it is told before it has been named
            }
            assertThat(hostTokens).isBetween(0, config.hostBlocks() == 0 ? 0 : hitTokens);
            assertThat((hitTokens - hostTokens) % config.pageSize()).isZero();
            if (hostTokens > 0) {
                saw(hostTokens % config.pageSize() == 0 ? "hostHits" : "tails");
            }
            assertThat(replica).isNotEqualTo(lost);
            assertThat(hitTokens).isLessThan(sequence.length);
            assertThat(hitTokens == 0 || config.prefixCaching()).isTrue();
            if (hitTokens > 0) {
                saw("hits");
            }
            boolean unpaused = sequence.granted == Long.MAX_VALUE;
            if (config.policy() == QueuePolicy.FIFO && !sequence.admittedOnce && unpaused) {
                assertThat(id.value()).as("fifo admits in order of arrival").isGreaterThan(lastFirstAdmission);
                lastFirstAdmission = id.value();
            }
            sequence.admittedOnce = true;
        }

        @Override
        public void token(SequenceId id, int index, int token) {
            ModelSequence sequence = sequences.get(id);
            assertThat(sequence.ending()).as("no token after the end").isNull();
            assertThat(index).isEqualTo(sequence.generated());
            assertThat(token).isEqualTo(sequence.expected());
            assertThat(sequence.generated()).isLessThan((int) Math.min(sequence.granted, sequence.maxTokens));
            sequence.append(token);
            device.reported(id);
        }

        @Override
        public void preempted(SequenceId id) {
            saw("preempted");
        }

        @Override
        public void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {
            saw(reason.toString());
            ModelSequence sequence = sequences.get(id);
            assertThat(live.remove(id)).as("a sequence ends once").isTrue();
            held.remove(id);
            drafter.ended(id);
            switch (reason) {
                case STOP, LENGTH -> assertThat(sequence.ending()).isEqualTo(reason);
                case CANCELLED -> assertThat(id).isEqualTo(cancelling);
                case FAILED -> checkFailure(sequence, cause);
            }
            device.forget(id);
        }

        private void checkFailure(ModelSequence sequence, @Nullable Throwable cause) {
            if (cause instanceof SequenceTooLongException tooLong) {
                saw("outgrown");
                assertThat(tooLong.neededBlocks()).isEqualTo(config.blocksPerReplica() + 1);
                assertThat((sequence.length + config.pageSize() - 1) / config.pageSize())
                        .isEqualTo(tooLong.neededBlocks());
            } else if (losing) {
                saw("lost with sequences");
                assertThat(cause).hasMessage("lost");
            } else {
                assertThat(failing).isTrue();
            }
        }
    }
}
