package io.kvflux.sim;

import io.kvflux.block.EvictionPolicy;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The full pages of each prompt by number, from 1: pages have the same number if they and all before them are equal, and what
 * continues a page has a greater number than it.
 */
final class PageTrace {

    /** The request that uses a page next, if none does. */
    static final int NEVER = Integer.MAX_VALUE;

    private final String name;
    private final int[][] prompts;
    private final int[] mayHit;
    private final int pages;
    private final long unlimitedHits;

    private PageTrace(String name, int[][] prompts, int[] mayHit, int pages, long unlimitedHits) {
        this.name = name;
        this.prompts = prompts;
        this.mayHit = mayHit;
        this.pages = pages;
        this.unlimitedHits = unlimitedHits;
    }

    /**
     * Reads a workload twice: for the number of its pages, and for their content.
     *
     * @param eachRequest is run for each request of the second time
     * @param stopped asked before each request; what was read the second time until then is the trace
     */
    static PageTrace read(Supplier<Workload> workloads, int pageSize, Runnable eachRequest, BooleanSupplier stopped) {
        PromptCache all = new PromptCache(
                (int) Math.max(1, countPages(workloads, pageSize, stopped)), pageSize, EvictionPolicy.lru());
        try (Workload workload = workloads.get()) {
            int size = Math.toIntExact(workload.size());
            int[][] prompts = new int[size][];
            int[] mayHit = new int[size];
            int read = 0;
            int pages = 0;
            long hits = 0;
            SimRequest request;
            while (!stopped.getAsBoolean() && (request = workload.next()) != null) {
                int[] tokens = request.promptTokens();
                int[] prompt = new int[tokens.length / pageSize];
                int known = all.hold(tokens, prompt.length);
                for (int i = 0; i < prompt.length; i++) {
                    prompt[i] = all.block(i);
                    pages = Math.max(pages, prompt[i]);
                }
                all.release();
                mayHit[read] = (tokens.length - 1) / pageSize;
                hits += Math.min(known, mayHit[read]);
                prompts[read++] = prompt;
                eachRequest.run();
            }
            return new PageTrace(
                    workload.name(), Arrays.copyOf(prompts, read), Arrays.copyOf(mayHit, read), pages, hits);
        }
    }

    private static long countPages(Supplier<Workload> workloads, int pageSize, BooleanSupplier stopped) {
        try (Workload workload = workloads.get()) {
            long count = 0;
            SimRequest request;
            while (!stopped.getAsBoolean() && (request = workload.next()) != null) {
                count += request.inputLength() / pageSize;
            }
            if (count >= Integer.MAX_VALUE) {
                throw new TraceException(workload.name() + ": expected at most " + (Integer.MAX_VALUE - 1)
                        + " full pages, found " + count + " of " + pageSize + " tokens");
            }
            return count;
        }
    }

    String name() {
        return name;
    }

    int requests() {
        return prompts.length;
    }

    /** The numbers of a prompt's pages. */
    int[] prompt(int request) {
        return prompts[request];
    }

    /** How many pages of the prompt count as hits at most: the one that its last token ends does not. */
    int mayHit(int request) {
        return mayHit[request];
    }

    /** How many different pages there are. */
    int pages() {
        return pages;
    }

    /** {@return full pages of all prompts} */
    long promptBlocks() {
        return Arrays.stream(prompts).mapToLong(prompt -> prompt.length).sum();
    }

    /** {@return what a cache without a limit would hit} */
    long unlimitedHits() {
        return unlimitedHits;
    }

    /** {@return for each page of each prompt the request that uses the page next, or {@link #NEVER}} */
    int[][] nextUses() {
        int[] next = new int[pages + 1];
        Arrays.fill(next, NEVER);
        int[][] all = new int[prompts.length][];
        for (int request = prompts.length - 1; request >= 0; request--) {
            all[request] = new int[prompts[request].length];
            for (int i = 0; i < all[request].length; i++) {
                int page = prompts[request][i];
                all[request][i] = next[page];
                next[page] = request;
            }
        }
        return all;
    }
}
