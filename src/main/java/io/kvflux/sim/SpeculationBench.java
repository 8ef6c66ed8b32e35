package io.kvflux.sim;

import io.kvflux.draft.AcceptanceRates;
import io.kvflux.draft.AdaptiveGap;
import io.kvflux.draft.DraftPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * What drafting brings, in simulated time: the same numbers on every machine. A step of n tokens, drafts included, takes
 * 1 + max(16, 0.05 n) ms, and 0.5 ms for each draft of its longest chain. Every table says what is claimed of it and whether
 * that came out.
 */
public final class SpeculationBench {

    /** At most so far behind the best fixed number, as a part of one. */
    private static final double BEHIND = 0.03;

    private static final double EVERYBODY = Double.POSITIVE_INFINITY;
    private static final int MOST_DRAFTS = 7;
    private static final int ROUNDS = 1_000_000;

    /**
     * One table.
     *
     * @param title what it shows
     * @param header names of its columns
     * @param rows a value for each column: text, or a number
     * @param claims what must come out
     */
    public record Table(String title, List<String> header, List<List<Object>> rows, List<Claim> claims) {}

    /**
     * Something that must come out.
     *
     * @param text what
     * @param holds whether it did
     */
    public record Claim(String text, boolean holds) {}

    private record Load(String name, int prompt, int least, int most, int requests, double aSecond, boolean saturated) {

        Load(String name, int requests, double aSecond, boolean saturated) {
            this(name, 64, 64, 192, requests, aSecond, saturated);
        }

        DraftLoad make() {
            return new DraftLoad(prompt, least, most).arrive(requests, aSecond);
        }
    }

    /** Nobody generates the 12 800 tokens a second that 100 requests ask for. */
    private static final List<Load> LOADS = List.of(
            new Load("0.2 requests a second", 40, 0.2, false),
            new Load("5", 200, 5, false),
            new Load("20", 500, 20, false),
            new Load("60", 1200, 60, false),
            new Load("100", 1500, 100, true),
            new Load("a queue that never empties", 3000, EVERYBODY, true));

    /** Loads of another kind than those by which the policy's constants were chosen. */
    private static final List<Load> OTHERS = List.of(
            new Load("outputs of 16 to 48, 162 a second", 64, 16, 48, 800, 162, false),
            new Load("the same, five times as long", 64, 16, 48, 4000, 162, false),
            new Load("outputs of 16 to 48, a queue that never empties", 64, 16, 48, 3000, EVERYBODY, true),
            new Load("outputs of 4 to 12, 400 a second", 32, 4, 12, 2000, 400, false),
            new Load("outputs of 256 to 768, 20 a second", 64, 256, 768, 600, 20, false),
            new Load("prompts of 512, 30 a second", 512, 64, 192, 600, 30, false),
            new Load("prompts of 512, a queue that never empties", 512, 32, 96, 1500, EVERYBODY, true));

    private SpeculationBench() {}

    /** {@return all tables} */
    public static List<Table> all() {
        return List.of(
                closedForm(),
                bestFixed(),
                gap(),
                loads(0.5),
                loads(0.7),
                loads(0.9),
                others(),
                swinging(),
                smallBursts(),
                upset(),
                nearlyFull());
    }

    // ---- formulas

    static Table closedForm() {
        double[] rates = {0.8, 0.8, 0.9};
        int[] drafts = {3, 5, 7};
        double[] known = {2.952, 3.68928, 5.6953279};
        Rows rows = new Rows();
        for (int i = 0; i < rates.length; i++) {
            double expected = AcceptanceRates.expectedTokens(rates[i], drafts[i]);
            double mean = simulatedTokens(Acceptance.of(rates[i]), drafts[i]);
            rows.row(rates[i], drafts[i], round(expected, 7), round(mean, 4), percent(mean / expected - 1));
            rows.claim("E(" + rates[i] + ", " + drafts[i] + ") is " + known[i], Math.abs(expected - known[i]) < 1e-9);
            rows.claim(
                    "the simulated mean at " + rates[i] + ", " + drafts[i] + " is within 0.5 %",
                    Math.abs(mean / expected - 1) < 0.005);
        }
        return rows.table(
                "Tokens of a round: closed form, and the mean of 10^6 simulated rounds",
                "a",
                "k",
                "E(a, k)",
                "simulated",
                "off by, %");
    }

    private static double simulatedTokens(Acceptance acceptance, int drafts) {
        long tokens = 0;
        for (int round = 0; round < ROUNDS; round++) {
            int accepted = 0;
            while (accepted < drafts && acceptance.isRight(0, round, accepted, accepted)) {
                accepted++;
            }
            tokens += 1 + accepted;
        }
        return tokens / (double) ROUNDS;
    }

    static Table bestFixed() {
        int[] batches = {1, 8, 32, 64, 128, 256};
        int[] known = {10, 10, 9, 4, 2, 1};
        Rows rows = new Rows();
        for (int i = 0; i < batches.length; i++) {
            int batch = batches[i];
            int best = 1;
            for (int k = 2; k <= 12; k++) {
                best = goodput(batch, k) > goodput(batch, best) ? k : best;
            }
            int k = best;
            double fixed = inBatch(batch, () -> DraftPolicy.fixed(k));
            double adaptive = inBatch(batch, DraftPolicy::adaptive);
            rows.row(batch, best, Math.round(goodput(batch, best)), Math.round(fixed), Math.round(adaptive));
            rows.claim("the best fixed k for a batch of " + batch + " is " + known[i], best == known[i]);
            rows.claim("adaptive is at most 3 % behind it in a batch of " + batch, adaptive > (1 - BEHIND) * fixed);
        }
        return rows.table(
                "The best fixed k up to 12 by batch size, a = 0.8, and output tokens a second",
                "batch",
                "best k",
                "by the formula",
                "simulated",
                "adaptive");
    }

    private static double goodput(int batch, int k) {
        return batch
                * AcceptanceRates.expectedTokens(0.8, k)
                / (DraftRun.verifySeconds(batch * (k + 1L)) + Speculation.DEFAULT_PASS_SECONDS * k);
    }

    /** Long outputs, all begun at once, and what is generated before the first ends, learning included. */
    private static double inBatch(int batch, Supplier<DraftPolicy> policy) {
        return new DraftRun(policy, 0.8, DraftRun.PLENTY, 12)
                .of(new DraftLoad(16, 4000, 4000).arrive(batch, EVERYBODY))
                .whileAllRun();
    }

    static Table gap() {
        Rows rows = new Rows();
        AdaptiveGap.Gap free = AdaptiveGap.measure(7, 3000, false);
        AdaptiveGap.Gap priced = AdaptiveGap.measure(8, 3000, true);
        row(rows, "0", free);
        row(rows, "above 0", priced);
        rows.claim("without a price nothing but hysteresis is lost, 1 %", free.most() < 0.0101);
        rows.claim("with a price less than 1 % is lost on average", priced.mean() < 0.01);
        return rows.table(
                "The chosen set and the best of all sets, random rounds of up to four sequences and four drafts",
                "price",
                "rounds",
                "not the best",
                "mean gap, %",
                "largest, %");
    }

    private static void row(Rows rows, String price, AdaptiveGap.Gap gap) {
        rows.row(price, gap.rounds(), gap.improvable(), percent(gap.mean()), percent(gap.most()));
    }

    // ---- the scheduler

    /** Mean latency of requests while the device keeps up, output tokens a second where it does not. */
    static Table loads(double acceptance) {
        Rows rows = new Rows();
        for (Load load : LOADS) {
            double behind = measure(rows, load, acceptance, List.of(load.name));
            rows.claim("a = " + acceptance + ", " + load.name + ": adaptive is at most 3 % behind", behind <= BEHIND);
        }
        return rows.table(
                "Loads from idle to overload, a = " + acceptance + ", k up to 7",
                policies("load", "measure", "behind, %"));
    }

    /** The same without a claim: where adaptive loses, and how much. */
    static Table others() {
        Rows rows = new Rows();
        for (Load load : OTHERS) {
            for (double acceptance : new double[] {0.5, 0.7, 0.9}) {
                measure(rows, load, acceptance, List.of(load.name, acceptance));
            }
        }
        List<String> header = new ArrayList<>(List.of("load"));
        header.addAll(List.of(policies("a", "measure", "behind, %")));
        return rows.table("Loads of another kind, without a claim", header.toArray(String[]::new));
    }

    /** Adds the row of a load; how far adaptive is behind the best of the others, as a part of one. */
    private static double measure(Rows rows, Load load, double acceptance, List<Object> first) {
        double[] measured = new double[MOST_DRAFTS + 2];
        for (int k = 0; k < measured.length; k++) {
            DraftRun.Outcome outcome = run(k, acceptance).of(load.make());
            measured[k] = load.saturated ? outcome.outputTokensPerSecond() : outcome.meanLatency();
        }
        int best = best(measured, load.saturated);
        double adaptive = measured[MOST_DRAFTS + 1];
        double behind = load.saturated ? 1 - adaptive / measured[best] : adaptive / measured[best] - 1;
        List<Object> cells = new ArrayList<>(first);
        cells.add(load.saturated ? "tokens/s" : "latency, ms");
        for (double value : measured) {
            cells.add(Math.round(load.saturated ? value : 1000 * value));
        }
        cells.add(percent(behind));
        rows.row(cells.toArray());
        return behind;
    }

    /** The best of off and every fixed number. */
    private static int best(double[] measured, boolean more) {
        int best = 0;
        for (int k = 1; k <= MOST_DRAFTS; k++) {
            best = measured[k] > measured[best] == more && measured[k] != measured[best] ? k : best;
        }
        return best;
    }

    /** Half a minute of two requests a second, then a burst at once, four times; then half a minute again. */
    static Table swinging() {
        return swinging("A load that swings between idle and overload", true, 300, 600);
    }

    /** Bursts that a device takes at once: they are no overload. */
    static Table smallBursts() {
        return swinging("A load of small bursts", false, 64, 100);
    }

    /** Claims that adaptive beats all the others, or that it is not far behind. */
    private static Table swinging(String title, boolean beats, int... bursts) {
        Rows rows = new Rows();
        for (int burst : bursts) {
            for (double acceptance : new double[] {0.5, 0.7, 0.9}) {
                List<Object> cells = new ArrayList<>(List.of(burst, acceptance, "latency, ms"));
                double best = Double.POSITIVE_INFINITY;
                double adaptive = 0;
                for (int k = 0; k <= MOST_DRAFTS + 1; k++) {
                    DraftLoad load = requests(0, 1);
                    for (int swing = 0; swing < 4; swing++) {
                        load.arrive(60, 2).arrive(burst, EVERYBODY);
                    }
                    double latency = run(k, acceptance).of(load.arrive(60, 2)).meanLatency();
                    cells.add(Math.round(1000 * latency));
                    best = k <= MOST_DRAFTS ? Math.min(best, latency) : best;
                    adaptive = latency;
                }
                cells.add(percent(adaptive / best - 1));
                rows.row(cells.toArray());
                String what = beats ? "adaptive beats off and every fixed k" : "adaptive is at most 3 % behind";
                rows.claim(
                        "a = " + acceptance + ", bursts of " + burst + ": " + what,
                        beats ? adaptive < best : adaptive <= (1 + BEHIND) * best);
            }
        }
        List<String> header = new ArrayList<>(List.of("burst"));
        header.addAll(List.of(policies("a", "measure", "behind, %")));
        return rows.table(title, header.toArray(String[]::new));
    }

    /** 60 requests a second on a device that does not keep its time. */
    static Table upset() {
        Rows rows = new Rows();
        for (DraftRun.Upset upset : DraftRun.Upset.values()) {
            for (double acceptance : new double[] {0.5, 0.9}) {
                double[] measured = new double[MOST_DRAFTS + 2];
                for (int k = 0; k < measured.length; k++) {
                    measured[k] = new DraftRun(policy(k), acceptance, DraftRun.PLENTY, MOST_DRAFTS, upset)
                            .of(requests(1200, 60))
                            .outputTokensPerSecond();
                }
                int best = best(measured, true);
                double adaptive = measured[MOST_DRAFTS + 1];
                double behind = 1 - adaptive / measured[best];
                rows.row(
                        upset.toString(),
                        acceptance,
                        name(best),
                        Math.round(measured[best]),
                        Math.round(adaptive),
                        percent(behind));
                rows.claim("a = " + acceptance + ", " + upset + ": adaptive is at most 3 % behind", behind <= BEHIND);
            }
        }
        return rows.table(
                "A device that does not keep its time, 60 requests a second, output tokens a second",
                "upset",
                "a",
                "best",
                "its tokens/s",
                "adaptive",
                "behind, %");
    }

    static Table nearlyFull() {
        Rows rows = new Rows();
        for (double acceptance : new double[] {0.5, 0.8}) {
            DraftRun.Outcome off = null;
            for (int k : new int[] {0, MOST_DRAFTS, MOST_DRAFTS + 1}) {
                DraftRun run = new DraftRun(policy(k), acceptance, 300, MOST_DRAFTS);
                DraftRun.Outcome outcome = run.of(requests(600, EVERYBODY));
                off = off == null ? outcome : off;
                rows.row(
                        acceptance,
                        name(k),
                        percent(outcome.usedFraction()),
                        outcome.preemptions(),
                        Math.round(outcome.outputTokensPerSecond()),
                        outcome.opened(),
                        outcome.openedBelow());
                String who = "a = " + acceptance + ", nearly full: " + name(k);
                rows.claim(who + " opens no page below the watermark", outcome.openedBelow() == 0);
                rows.claim(who + " preempts no more than off", outcome.preemptions() <= off.preemptions());
            }
            rows.claim("a = " + acceptance + ": the device is 95 % full", off.usedFraction() >= 0.95);
        }
        return rows.table(
                "A device that is 95 % full: 300 blocks, 600 requests at once",
                "a",
                "policy",
                "blocks held, %",
                "preemptions",
                "tokens/s",
                "pages opened by grants",
                "of those below the watermark");
    }

    private static DraftLoad requests(int count, double aSecond) {
        return new DraftLoad(64, 64, 192).arrive(count, aSecond);
    }

    private static DraftRun run(int k, double acceptance) {
        return new DraftRun(policy(k), acceptance, DraftRun.PLENTY, MOST_DRAFTS);
    }

    /** Off, every fixed number, and after the last of them adaptive. */
    private static Supplier<DraftPolicy> policy(int k) {
        return k == 0 ? DraftPolicy::off : k <= MOST_DRAFTS ? () -> DraftPolicy.fixed(k) : DraftPolicy::adaptive;
    }

    private static String name(int k) {
        return k == 0 ? "off" : k <= MOST_DRAFTS ? "k = " + k : "adaptive";
    }

    private static String[] policies(String first, String second, String last) {
        List<String> header = new ArrayList<>(List.of(first, second));
        for (int k = 0; k <= MOST_DRAFTS + 1; k++) {
            header.add(name(k));
        }
        header.add(last);
        return header.toArray(String[]::new);
    }

    private static double percent(double part) {
        return round(100 * part, 2);
    }

    private static double round(double value, int digits) {
        double unit = Math.pow(10, digits);
        return Math.round(value * unit) / unit + 0.0;
    }

    private static final class Rows {

        private final List<List<Object>> rows = new ArrayList<>();
        private final List<Claim> claims = new ArrayList<>();

        void row(Object... cells) {
            rows.add(List.of(cells));
        }

        void claim(String text, boolean holds) {
            claims.add(new Claim(text, holds));
        }

        Table table(String title, String... header) {
            return new Table(title, List.of(header), List.copyOf(rows), List.copyOf(claims));
        }
    }
}
