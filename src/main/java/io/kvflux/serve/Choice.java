package io.kvflux.serve;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import io.kvflux.selftest.Sampling;
import java.util.List;
import java.util.Locale;
import reactor.core.publisher.Flux;
import reactor.core.publisher.SynchronousSink;

/**
 * One choice of an answer, which is one sequence.
 *
 * @param index of the choice
 * @param spec its sequence
 * @param sampling how its tokens are chosen
 * @param stops strings that end its text
 */
record Choice(int index, SequenceSpec spec, Sampling sampling, List<String> stops) {

    /**
     * At subscription submits the sequence. Each piece asked for is a token asked for, or more while text is held back that
     * may become a stop string; one that comes ends the sequence.
     */
    Flux<Piece> pieces(ReferenceEngine engine) {
        return Flux.defer(() -> {
            StopText text = new StopText(stops);
            return engine.generate(spec, sampling)
                    .<Piece>handle((event, sink) -> next(text, event, sink))
                    .takeUntil(Piece::isLast);
        });
    }

    private void next(StopText text, TokenEvent event, SynchronousSink<Piece> sink) {
        String known = text.add((char) event.token());
        Usage usage = event.usage();
        if (text.stopped()) {
            Integer cached = usage == null ? null : Integer.valueOf(usage.cachedTokens());
            sink.next(Piece.last(index, known, new Piece.End("stop", event.index() + 1, cached)));
        } else if (usage != null) {
            Piece.End end = new Piece.End(reason(event.finishReason()), usage.generatedTokens(), usage.cachedTokens());
            sink.next(Piece.last(index, known + text.rest(), end));
        } else if (!known.isEmpty()) {
            sink.next(Piece.text(index, known));
        }
    }

    private static String reason(FinishReason reason) {
        return reason.name().toLowerCase(Locale.ROOT);
    }
}
