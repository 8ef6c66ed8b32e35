package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Usage;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.metrics.MicrometerRecorder;
import io.kvflux.metrics.SchedulerMeters;
import io.micrometer.core.instrument.Tags;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Numbers pulled, numbers pushed, and both in Prometheus' text. */
class MetricsTest {

    private final AtomicLong clock = new AtomicLong();

    @Test
    void everyPartAddsUp() {
        Rig rig = new Rig(20, builder -> builder.maxPending(1).scheduling(core -> core.maxBatchSize(2)));
        SchedulerMetrics metrics = rig.scheduler.metrics();
        Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(2))).asks(2);
        Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(2))).asks(2);
        assertThat(metrics.pending()).isEqualTo(1);
        Client.of(rig.scheduler.generate(Rig.prompt(9))).asks(2);
        assertThat(metrics.refused()).isEqualTo(1);
        assertThat(metrics.running()).isEqualTo(1);
        assertThat(metrics.waiting()).isEqualTo(1);
        assertThat(metrics.stepsInFlight()).isEqualTo(1);
        rig.stepAll();
        assertThat(metrics.submitted()).isEqualTo(3);
        assertThat(metrics.finished()).isEqualTo(2);
        assertThat(metrics.promptTokens()).isEqualTo(18);
        assertThat(metrics.cachedTokens()).isEqualTo(8);
        assertThat(metrics.generatedTokens()).isEqualTo(4);
        assertThat(metrics.stepsCompleted()).isPositive();
        assertThat(metrics.freeBlocks() + metrics.cachedBlocks()).isEqualTo(metrics.usableBlocks());
    }

    @Test
    void theRecorderIsToldTimesAndWhatItThrowsIsDropped() {
        List<String> told = new ArrayList<>();
        Rig rig = new Rig(
                20,
                builder -> builder.clock(clock::get).recorder(new SchedulerRecorder() {
                    @Override
                    public void admitted(long waitNs, int promptTokens, int cachedTokens) {
                        told.add("admitted " + waitNs + " " + promptTokens + " " + cachedTokens);
                        throw new IllegalStateException("recorder");
                    }

                    @Override
                    public void firstToken(long sinceSubmitNs) {
                        told.add("first " + sinceSubmitNs);
                    }

                    @Override
                    public void nextToken(long sincePreviousNs) {
                        told.add("next " + sincePreviousNs);
                    }

                    @Override
                    public void ended(FinishReason reason, long lifetimeNs, Usage usage) {
                        told.add("ended " + reason + " " + lifetimeNs + " " + usage.generatedTokens());
                    }

                    @Override
                    public void stepCompleted(int entries, int tokens, long durationNs, boolean failed) {
                        told.add("step " + entries + " " + tokens + " " + durationNs + " " + failed);
                    }
                }));
        Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(2))).asks(2);
        clock.addAndGet(100);
        rig.step();
        clock.addAndGet(30);
        rig.step();
        assertThat(told)
                .containsExactly(
                        "admitted 0 9 0",
                        "first 100",
                        "step 1 9 100 false",
                        "next 30",
                        "ended LENGTH 130 2",
                        "step 1 1 30 false");
    }

    @Test
    void prometheusShowsTheDocumentedNames() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        Tags tags = Tags.of("model", "test");
        Rig rig = new Rig(20, builder -> builder.clock(clock::get).recorder(new MicrometerRecorder(registry, tags)));
        new SchedulerMeters(rig.scheduler.metrics(), tags).bindTo(registry);
        Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(2))).asks(2);
        clock.addAndGet(1_000_000_000L);
        rig.stepAll();
        String text = registry.scrape();
        assertThat(text.lines())
                .contains(
                        "kvflux_blocks{model=\"test\",state=\"cached\"} 2.0",
                        "kvflux_blocks{model=\"test\",state=\"free\"} 18.0",
                        "kvflux_blocks{model=\"test\",state=\"held\"} 0.0",
                        "kvflux_blocks{model=\"test\",state=\"withheld\"} 0.0",
                        "kvflux_sequences_ended_total{how=\"finished\",model=\"test\"} 1.0",
                        "kvflux_sequences_ended_total{how=\"refused\",model=\"test\"} 0.0",
                        "kvflux_sequences_submitted_total{model=\"test\"} 1.0",
                        "kvflux_sequences_running{model=\"test\"} 0.0",
                        "kvflux_tokens_generated_total{model=\"test\"} 2.0",
                        "kvflux_tokens_prompt_total{model=\"test\"} 9.0",
                        "kvflux_steps_total{model=\"test\"} 2.0",
                        "kvflux_token_first_seconds_count{model=\"test\"} 1",
                        "kvflux_token_first_seconds_sum{model=\"test\"} 1.0",
                        "kvflux_step_tokens_sum{model=\"test\"} 10.0");
    }

    @Test
    void whoLeavesBeforeThereWasRoomIsToldToTheRecorderToo() {
        List<String> told = new ArrayList<>();
        Rig rig = new Rig(
                20,
                builder -> builder.maxPending(1)
                        .whenFull(WhenFull.DELAY)
                        .scheduling(core -> core.maxBatchSize(1))
                        .recorder(new SchedulerRecorder() {
                            @Override
                            public void ended(FinishReason reason, long lifetimeNs, Usage usage) {
                                told.add(reason + " " + usage.generatedTokens());
                            }
                        }));
        for (int i = 0; i < 2; i++) {
            Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(2))).asks(2);
        }
        Client delayed = Client.of(rig.scheduler.generate(Rig.prompt(9)));
        assertThat(rig.scheduler.metrics().delayed()).isEqualTo(1);
        delayed.cancel();
        assertThat(told).containsExactly("CANCELLED 0");
        assertThat(rig.scheduler.metrics().cancelled()).isEqualTo(1);
        rig.stepAll();
        assertThat(rig.scheduler.metrics().finished()).isEqualTo(2);
    }

    @Test
    void prometheusShowsTheHostTier() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (HostRig host = new HostRig()) {
            new SchedulerMeters(host.scheduler.metrics(), Tags.empty()).bindTo(registry);
            host.run(Rig.prompt(17).maxTokens(2), 10);
            host.evictAll();
            host.transfers = FaultyDeviceMemory.Fault.HALF_FAIL;
            host.submit(Rig.prompt(17).maxTokens(2));
            host.rig.stepAll();
            host.transfers = FaultyDeviceMemory.Fault.DELAY;
            host.submit(Rig.prompt(9, 5000).maxTokens(6));
            host.rig.step();
            host.scheduler.pause(new SequenceId(4));
            host.rig.step();
            assertThat(registry.scrape().lines())
                    .contains(
                            "kvflux_host_blocks 32.0",
                            "kvflux_host_blocks_resident 3.0",
                            "kvflux_host_blocks_writing 1.0",
                            "kvflux_host_offloaded_total 4.0",
                            "kvflux_host_onloaded_total 2.0",
                            "kvflux_host_dropped_total 0.0",
                            "kvflux_transfers_in_flight 1.0",
                            "kvflux_transfers_failed_total 1.0",
                            "kvflux_preemptions_total 0.0",
                            "kvflux_preemptions_offload_total 0.0");
            host.device.releaseNext();
            assertThat(host.scheduler.metrics().offloadedBlocks()).isEqualTo(5);
            assertThat(host.scheduler.metrics().transfersInFlight()).isZero();
        }
    }
}
