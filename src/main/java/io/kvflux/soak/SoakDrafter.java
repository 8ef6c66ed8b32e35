package io.kvflux.soak;

import io.kvflux.Drafter;
import io.kvflux.api.DraftContext;
import io.kvflux.api.DraftToken;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/** Drafts beside the steps; some of it never comes, ends at once or fails. Remembers nothing. */
final class SoakDrafter implements Drafter {

    @Override
    public Publisher<DraftToken> draft(DraftContext context) {
        long sequence = context.sequence().value();
        long chain = Language.start(context.spec());
        for (int i = 0; i < context.length(); i++) {
            chain = Language.next(chain, context.token(i));
        }
        int choice = (int) (chain >>> 20 & 63);
        if (choice < 4) {
            return Flux.never();
        } else if (choice < 6) {
            return Flux.empty();
        } else if (choice < 7) {
            return Flux.error(new InjectedFailure("a drafter"));
        }
        long begin = chain;
        return Flux.generate(() -> begin, (at, sink) -> {
            int token = Language.draft(at, sequence);
            sink.next(new DraftToken(token));
            return Language.next(at, token);
        });
    }
}
