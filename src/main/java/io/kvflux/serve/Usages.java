package io.kvflux.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** Adds up what the choices of a completion used. A prompt counts once, however many choices it has. */
final class Usages {

    private final CompletionRequest request;
    private int generated;
    private int cached;
    private boolean cachedKnown = true;

    Usages(CompletionRequest request) {
        this.request = request;
    }

    void add(Piece piece) {
        Piece.End end = piece.end();
        if (end == null) {
            return;
        }
        generated += end.generatedTokens();
        boolean firstOfItsPrompt = piece.choice() % request.choices() == 0;
        if (firstOfItsPrompt && end.cachedTokens() == null) {
            cachedKnown = false;
        } else if (firstOfItsPrompt) {
            cached += end.cachedTokens();
        }
    }

    ObjectNode json() {
        int prompt = request.promptTokens();
        ObjectNode usage = Json.object()
                .put("prompt_tokens", prompt)
                .put("completion_tokens", generated)
                .put("total_tokens", prompt + generated);
        if (cachedKnown) {
            usage.putObject("prompt_tokens_details").put("cached_tokens", cached);
        }
        return usage;
    }
}
