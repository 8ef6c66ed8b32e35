package io.kvflux.sim;

/**
 * What happened to one request; times are simulated seconds since the first arrival, NaN for what never happened.
 *
 * @param index the request's position in the trace, from 0
 * @param tenant the tenant it was dealt to
 * @param inputTokens prompt tokens
 * @param outputTokens tokens delivered
 * @param hitTokens prompt tokens found in the cache at first admission
 * @param preemptions how often it was preempted
 * @param arrivalSeconds when it arrived
 * @param admittedSeconds when it was first admitted
 * @param firstTokenSeconds when its first token came
 * @param finishedSeconds when its last token came, or when it was refused
 * @param outcome {@code completed}, {@code rejected} or {@code failed}
 */
public record RequestRow(
        long index,
        String tenant,
        int inputTokens,
        int outputTokens,
        int hitTokens,
        int preemptions,
        double arrivalSeconds,
        double admittedSeconds,
        double firstTokenSeconds,
        double finishedSeconds,
        String outcome) {}
