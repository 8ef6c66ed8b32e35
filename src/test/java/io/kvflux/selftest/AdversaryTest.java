package io.kvflux.selftest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AdversaryTest {

    @Test
    void quick() {
        Coverage coverage = new Coverage();
        long tokens = 0;
        long begin = System.nanoTime();
        int bad = 0;
        int from = Integer.getInteger("from", 0);
        int n = Integer.getInteger("n", 300);
        for (int i = from; i < from + n; i++) {
            Scenario scenario = new Scenarios(1).scenario(i);
            long t = System.nanoTime();
            ScenarioRun run = ScenarioRun.of(scenario, TestDevice.host());
            coverage.add(run.coverage);
            tokens += run.comparedTokens();
            double ms = (System.nanoTime() - t) / 1e6;
            if (ms > 500) {
                System.out.println(i + " " + ms + " ms " + scenario);
            }
            if (run.finding() != null && bad++ < 8) {
                System.out.println(i + " " + run.finding() + "\n   " + scenario);
            }
        }
        System.out.println(
                "tokens " + tokens + " bad " + bad + " s " + (System.nanoTime() - begin) / 1e9 + "\n" + coverage);
        assertThat(bad).isZero();
    }
}
