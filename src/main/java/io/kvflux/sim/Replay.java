package io.kvflux.sim;

import java.util.Arrays;
import java.util.Random;

/** Stand-in: plausible numbers, no scheduling. */
public final class Replay {

    private final Workload workload;
    private final ReplayOptions options;
    private final ReplayListener listener;
    private volatile boolean stopped;

    /**
     * Stand-in.
     *
     * @param workload the workload
     * @param options the options
     * @param listener the listener
     */
    public Replay(Workload workload, ReplayOptions options, ReplayListener listener) {
        this.workload = workload;
        this.options = options;
        this.listener = listener;
    }

    /** {@return made-up numbers} */
    public ReplayResult run() {
        long start = System.nanoTime();
        Random random = new Random(options.seed());
        int n = (int) workload.size();
        double[] ttft = new double[n];
        double[] tpot = new double[n];
        double[] latency = new double[n];
        long total = (long) options.scheduler().blocksPerReplica()
                * options.scheduler().replicas();
        long prompt = 0;
        long output = 0;
        long blocks = 0;
        long hits = 0;
        long preempted = 0;
        int tick = 0;
        double cached = 0;
        int done = 0;
        long first = 0;
        double now = 0;
        for (SimRequest r = workload.next(); r != null && !stopped; r = workload.next()) {
            first = done == 0 ? r.arrivalNanos() : first;
            now = (r.arrivalNanos() - first) / 1e9;
            double load = 0.5 + 0.4 * Math.sin(now / 40) + 0.1 * random.nextDouble();
            ttft[done] = 0.05 + Math.exp(random.nextGaussian() * 0.9 - 1.5) * (1 + 4 * load * load);
            tpot[done] = 0.012 + 0.006 * load + 0.002 * Math.abs(random.nextGaussian());
            latency[done] = ttft[done] + tpot[done] * (r.outputLength() - 1);
            int pages = r.inputLength() / options.scheduler().pageSize();
            int hit = (int) (pages * Math.min(0.9, random.nextDouble() * (0.5 + done / (double) n)));
            blocks += pages;
            hits += hit;
            prompt += r.inputLength();
            output += r.outputLength();
            preempted += random.nextInt(100) < 60 * (load - 0.8) ? 1 : 0;
            listener.onRequest(new RequestRow(
                    r.index(),
                    "tenant-" + random.nextInt(options.tenants()),
                    r.inputLength(),
                    r.outputLength(),
                    hit * options.scheduler().pageSize(),
                    0,
                    now,
                    now + ttft[done] / 2,
                    now + ttft[done],
                    now + latency[done],
                    "completed"));
            while (!options.cacheOnly() && tick <= now) {
                long held = (long) (total * Math.min(1, load));
                cached = Math.min((double) (total - held), cached + total / 90.0);
                listener.onTick(new Tick(
                        tick++,
                        (int) (90 * load + random.nextInt(6)),
                        (int) Math.max(0, 120 * (load - 0.6) + random.nextInt(4)),
                        held,
                        (long) cached,
                        total,
                        (long) (18000 * load * random.nextDouble()),
                        (long) (2200 * load + random.nextInt(200)),
                        blocks,
                        hits,
                        preempted));
            }
            done++;
            listener.onProgress(done, n);
        }
        double[] a = Arrays.copyOf(ttft, done);
        double[] b = Arrays.copyOf(tpot, done);
        double[] c = Arrays.copyOf(latency, done);
        Arrays.sort(a);
        Arrays.sort(b);
        Arrays.sort(c);
        boolean time = !options.cacheOnly();
        ReplaySummary summary = new ReplaySummary(
                workload.name(),
                done,
                done,
                0,
                prompt,
                time ? output : null,
                blocks,
                hits,
                hits * options.scheduler().pageSize(),
                blocks - hits,
                blocks / 3,
                0,
                time ? 12345L : null,
                time ? new ReplaySummary.Preemptions(preempted, 0) : null,
                time ? ReplaySummary.Distribution.ofSorted(a) : null,
                time ? ReplaySummary.Distribution.ofSorted(b) : null,
                time ? ReplaySummary.Distribution.ofSorted(c) : null,
                time ? now + 3 : null,
                new ReplaySummary.Blocks(total, time ? total - 17 : null, time ? 0.71 : null, time ? 0.031 : null),
                (System.nanoTime() - start) / 1e9);
        return new ReplayResult(
                summary, time ? a : new double[0], time ? b : new double[0], time ? c : new double[0], stopped);
    }

    /** Stops {@link #run()}. */
    public void stop() {
        stopped = true;
    }
}
