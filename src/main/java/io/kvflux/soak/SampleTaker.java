package io.kvflux.soak;

import io.kvflux.api.SchedulerMetrics;

/** Measures all gauges of a life. */
final class SampleTaker {

    private final Life life;
    private final SoakRecorder recorder;
    private final double[] values = new double[Gauge.values().length];
    private long ended;
    private long tokens;
    private long steps;
    private long collections = ProcessProbe.collections();
    private double collecting = ProcessProbe.collectingSeconds();

    SampleTaker(Life life, SoakRecorder recorder, long ended) {
        this.life = life;
        this.recorder = recorder;
        this.ended = ended;
    }

    /** What is now, and what was in the seconds since the last time; valid until the next. */
    double[] sample(double seconds, long endedNow) {
        set(Gauge.HEAP_AFTER_GC, ProcessProbe.heapAfterGc());
        set(Gauge.CLIENTS_KEPT, 0);
        measure();
        SchedulerMetrics metrics = life.scheduler().metrics();
        set(Gauge.TOKENS, (metrics.generatedTokens() - tokens) / seconds);
        set(Gauge.SEQUENCES, (endedNow - ended) / seconds);
        set(Gauge.STEPS, (metrics.stepsCompleted() - steps) / seconds);
        set(Gauge.COLLECTIONS, (ProcessProbe.collections() - collections) / seconds);
        set(Gauge.GC_SHARE, (ProcessProbe.collectingSeconds() - collecting) / seconds);
        ended = endedNow;
        tokens = metrics.generatedTokens();
        steps = metrics.stepsCompleted();
        collections = ProcessProbe.collections();
        collecting = ProcessProbe.collectingSeconds();
        set(Gauge.STEP_P50, recorder.steps.quantile(0.5));
        set(Gauge.STEP_P99, recorder.steps.quantile(0.99));
        set(Gauge.FIRST_P50, recorder.first.quantile(0.5));
        set(Gauge.FIRST_P99, recorder.first.quantile(0.99));
        set(Gauge.NEXT_P50, recorder.next.quantile(0.5));
        set(Gauge.NEXT_P99, recorder.next.quantile(0.99));
        recorder.turn();
        return values;
    }

    /**
     * What is at a quiet point.
     *
     * @param collected whether a full collection has just ended
     */
    double[] quiet(boolean collected) {
        set(Gauge.HEAP_AFTER_GC, ProcessProbe.heapNow());
        set(Gauge.CLIENTS_KEPT, collected ? life.kept() : 0);
        measure();
        return values;
    }

    private void measure() {
        set(Gauge.BUFFERS, ProcessProbe.buffers());
        set(Gauge.NATIVE, ProcessProbe.nativeBytes());
        set(Gauge.ARENAS, life.device.allocatedBytes());
        set(Gauge.RESIDENT, ProcessProbe.residentBytes());
        set(Gauge.FILES, ProcessProbe.openFiles());
        set(Gauge.THREADS, ProcessProbe.threads());
        set(Gauge.CLIENTS, life.clients());
        SchedulerMetrics metrics = life.scheduler().metrics();
        set(Gauge.BUFFERED, life.buffered());
        set(Gauge.RUNNING, metrics.running());
        set(Gauge.WAITING, metrics.waiting());
        set(Gauge.FREE, metrics.freeBlocks());
        set(Gauge.HELD, metrics.heldBlocks());
        set(Gauge.CACHED, metrics.cachedBlocks());
        set(Gauge.ON_HOST, metrics.hostResidentBlocks());
        set(Gauge.ON_DISK, metrics.diskResidentBlocks());
        set(Gauge.TRANSFERS, metrics.transfersInFlight());
    }

    private void set(Gauge gauge, long value) {
        values[gauge.ordinal()] = (double) value;
    }

    private void set(Gauge gauge, double value) {
        values[gauge.ordinal()] = value;
    }
}
