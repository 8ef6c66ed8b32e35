package io.kvflux.serve;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request to complete prompts, as it was read and found good.
 *
 * @param prompts token ids of each prompt, at least one
 * @param maxTokens most tokens to generate for each choice
 * @param choices choices for each prompt
 * @param stream whether text is sent as it comes
 * @param includeUsage whether a stream tells the usage at its end
 * @param temperature 0 takes the most likely token
 * @param seed of the draws, or null for one that nobody knows
 * @param stops strings that end a text
 * @param user whose share of the work it counts against
 */
record CompletionRequest(
        List<int[]> prompts,
        int maxTokens,
        int choices,
        boolean stream,
        boolean includeUsage,
        double temperature,
        @Nullable Long seed,
        List<String> stops,
        String user) {

    /** Tokens of all prompts, each counted once however many choices it has. */
    int promptTokens() {
        return prompts.stream().mapToInt(prompt -> prompt.length).sum();
    }
}
