package io.kvflux.sim;

import java.util.List;
import java.util.Random;

/**
 * A kind of session of the synthetic workload. {@code docs/workloads.md} gives the source of every number: outputs of
 * chat and RAG are fitted to the Azure 2023 conversation trace, the rest is chosen.
 *
 * @param number tells the kinds apart, so that they share no texts
 * @param share share of the sessions; the shares of all kinds add up to 1
 * @param meanTurns mean number of turns; the number is geometric, so it has no memory
 * @param systemPrompts texts one of which starts the prompt
 * @param documents texts one of which follows it
 * @param firstMessage tokens of the first message
 * @param message tokens of each later one
 * @param output tokens generated in a turn
 * @param gapSeconds seconds between the assumed end of a turn and the next one
 */
record SessionKind(
        int number,
        double share,
        double meanTurns,
        Shared systemPrompts,
        Shared documents,
        LogNormal firstMessage,
        LogNormal message,
        LogNormal output,
        LogNormal gapSeconds) {

    /** Texts that sessions share: how many there are and the tokens of each; the first are the most popular. */
    record Shared(int count, LogNormal tokens) {}

    private static final Shared NONE = new Shared(0, new LogNormal(1, 0));
    private static final LogNormal ANSWER = new LogNormal(151, 0.86);
    private static final LogNormal READING = new LogNormal(25, 0.8);

    /** People talking: a system prompt out of few, short messages, time to read and think. */
    private static final SessionKind CHAT = new SessionKind(
            0,
            0.60,
            3.0,
            new Shared(4, new LogNormal(500, 0.5)),
            NONE,
            new LogNormal(60, 1.2),
            new LogNormal(60, 1.2),
            ANSWER,
            READING);

    /** Questions about a document out of many, some of which everybody asks about. */
    private static final SessionKind RAG = new SessionKind(
            1,
            0.25,
            1.5,
            new Shared(2, new LogNormal(300, 0.5)),
            new Shared(200, new LogNormal(2_000, 0.5)),
            new LogNormal(30, 0.7),
            new LogNormal(30, 0.7),
            ANSWER,
            READING);

    /** A program that calls tools: long instructions, a context that grows by results, hardly a pause. */
    private static final SessionKind AGENT = new SessionKind(
            2,
            0.15,
            8.0,
            new Shared(2, new LogNormal(1_500, 0.3)),
            NONE,
            new LogNormal(200, 0.8),
            new LogNormal(150, 1.0),
            new LogNormal(60, 0.7),
            new LogNormal(2, 0.6));

    private static final List<SessionKind> ALL = List.of(RAG, AGENT, CHAT);

    /** One of the kinds by its share. */
    static SessionKind draw(Random random) {
        double left = random.nextDouble();
        for (SessionKind kind : ALL) {
            left -= kind.share;
            if (left < 0) {
                return kind;
            }
        }
        return CHAT;
    }
}
