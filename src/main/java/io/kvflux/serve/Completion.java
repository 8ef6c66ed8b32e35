package io.kvflux.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.api.SequenceSpec;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** One completion: the sequences that a request becomes, and what is said of them. */
final class Completion {

    static final String MODEL = "kvflux-reference";

    /** The step between seeds of neighbours: odd, so that no two of a request are equal. */
    private static final long NEXT_SEED = 0x9e3779b97f4a7c15L;

    private final String id = "cmpl-" + randomHex() + randomHex();
    private final long created = System.currentTimeMillis() / 1000;
    private final CompletionRequest request;
    private final ReferenceEngine engine;
    private final List<Choice> choices = new ArrayList<>();

    Completion(CompletionRequest request, ReferenceEngine engine) {
        this.request = request;
        this.engine = engine;
        long seed = Objects.requireNonNullElseGet(
                request.seed(), () -> ThreadLocalRandom.current().nextLong());
        for (int[] prompt : request.prompts()) {
            requireFits(prompt.length);
            SequenceSpec common = SequenceSpec.of(prompt).tenant(request.user());
            for (int i = 0; i < request.choices(); i++) {
                choices.add(choice(common, seed + i * NEXT_SEED));
            }
        }
    }

    /** With a spec of its own, by which the executor finds the sampling. */
    private Choice choice(SequenceSpec common, long seed) {
        SequenceSpec spec = common.maxTokens(request.maxTokens());
        return new Choice(choices.size(), spec, Samplings.printable(request.temperature(), seed), request.stops());
    }

    private static String randomHex() {
        return HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    }

    /** The last token generated needs no slot, as nothing is computed from it. */
    private void requireFits(int prompt) {
        if ((long) prompt + request.maxTokens() - 1 > engine.contextLength()) {
            throw ApiException.contextLength(engine.contextLength(), prompt, request.maxTokens());
        }
    }

    /** At subscription submits every choice; gives the answer when the last has ended. */
    Mono<ObjectNode> whole() {
        return Flux.fromIterable(choices)
                .flatMap(choice -> choice.pieces(engine).collectList(), choices.size())
                .collectList()
                .map(this::answer);
    }

    /**
     * At subscription submits every choice; gives the pieces as they come, one ahead for each choice. Fails with what failed
     * a choice before {@code begun}; later the last piece says so.
     */
    Flux<Piece> pieces(Begun begun) {
        return Flux.fromIterable(choices)
                .flatMap(choice -> begun.watch(choice, choice.pieces(engine)), choices.size(), 1)
                .takeUntil(Piece::isFailure);
    }

    int size() {
        return choices.size();
    }

    boolean streamed() {
        return request.stream();
    }

    private ObjectNode answer(List<List<Piece>> texts) {
        Usages usages = new Usages(request);
        ObjectNode body = head();
        ArrayNode list = body.putArray("choices");
        texts.sort((a, b) -> Integer.compare(a.get(0).choice(), b.get(0).choice()));
        for (List<Piece> pieces : texts) {
            StringBuilder text = new StringBuilder();
            pieces.forEach(piece -> text.append(piece.text()));
            Piece last = pieces.get(pieces.size() - 1);
            usages.add(last);
            choice(list, text.toString(), last);
        }
        body.set("usage", usages.json());
        return body;
    }

    /** A chunk of a stream; it has a usage, which is null until the end, only if that was asked for. */
    ObjectNode chunk(Piece piece) {
        ObjectNode body = head();
        choice(body.putArray("choices"), piece.text(), piece);
        if (request.includeUsage()) {
            body.putNull("usage");
        }
        return body;
    }

    /** The chunk after the last choice, or null if it was not asked for. */
    @Nullable
    ObjectNode usageChunk(Usages usages) {
        if (!request.includeUsage()) {
            return null;
        }
        ObjectNode body = head();
        body.putArray("choices");
        body.set("usage", usages.json());
        return body;
    }

    Usages usages() {
        return new Usages(request);
    }

    private ObjectNode head() {
        return Json.object()
                .put("id", id)
                .put("object", "text_completion")
                .put("created", created)
                .put("model", MODEL);
    }

    private static void choice(ArrayNode list, String text, Piece piece) {
        list.addObject()
                .put("text", text)
                .put("index", piece.choice())
                .putNull("logprobs")
                .put("finish_reason", piece.end() == null ? null : piece.end().reason());
    }
}
