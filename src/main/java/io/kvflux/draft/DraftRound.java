package io.kvflux.draft;

import java.util.Arrays;

/**
 * One decision: the sequences that may draft, and what they get. Filled by whoever plans a step, then given to a {@link
 * DraftPolicy}. A flyweight; {@link #reset} begins the next round.
 */
public final class DraftRound {

    private final int positions;
    private int size;
    private int[] limits = new int[16];
    private int[] openSlots = new int[16];
    private int[] sinceDraft = new int[16];
    private float[] survivals;
    int[] grants = new int[16];

    private int pageSize;
    private int promptTokens;
    private int prompts;
    private boolean waiting;
    private int budget;
    private int freeBlocks;
    private int availableBlocks;
    private int watermarkBlocks;

    /**
     * A round without sequences.
     *
     * @param positions drafts that a sequence may get at most
     */
    public DraftRound(int positions) {
        this.positions = positions;
        survivals = new float[16 * positions];
    }

    /**
     * Begins a round.
     *
     * @param tokensOfAPage slots of a page
     * @param drafts that may be granted in all
     * @param free blocks that an allocation may take, by which they are priced
     * @param available of those, the ones that nobody needs without drafts; less than 0 where some are lacking
     * @param watermark blocks that are to stay available
     */
    public void reset(int tokensOfAPage, int drafts, int free, int available, int watermark) {
        size = 0;
        pageSize = tokensOfAPage;
        prompts(0, 0, false);
        budget = drafts;
        freeBlocks = free;
        availableBlocks = available;
        watermarkBlocks = watermark;
    }

    /**
     * Says what is known of prompts; nothing is said of a round where there are none, and nobody waits.
     *
     * @param tokens that the step computes of prompts
     * @param count of how many prompts, or chunks of them
     * @param others whether others wait for their first step
     */
    public void prompts(int tokens, int count, boolean others) {
        promptTokens = tokens;
        prompts = count;
        waiting = others;
    }

    /**
     * Adds a sequence.
     *
     * @param limit drafts that it can use at most
     * @param slots drafts that fit the pages it has
     * @param rates how often its drafts are accepted
     * @param roundsSinceDraft rounds since it last drafted
     */
    public void add(int limit, int slots, AcceptanceRates rates, int roundsSinceDraft) {
        if (size == limits.length) {
            limits = Arrays.copyOf(limits, size * 2);
            openSlots = Arrays.copyOf(openSlots, size * 2);
            sinceDraft = Arrays.copyOf(sinceDraft, size * 2);
            grants = Arrays.copyOf(grants, size * 2);
            survivals = Arrays.copyOf(survivals, size * 2 * positions);
        }
        limits[size] = Math.min(limit, positions);
        openSlots[size] = slots;
        sinceDraft[size] = roundsSinceDraft;
        grants[size] = 0;
        float survival = 1;
        for (int i = 0; i < limits[size]; i++) {
            survival *= (float) rates.rate(i);
            survivals[size * positions + i] = survival;
        }
        size++;
    }

    /** {@return sequences} */
    public int size() {
        return size;
    }

    /**
     * What a sequence got.
     *
     * @param index in the order of adding
     * @return drafts
     */
    public int grant(int index) {
        return grants[index];
    }

    int positions() {
        return positions;
    }

    int limit(int index) {
        return limits[index];
    }

    int openSlots(int index) {
        return openSlots[index];
    }

    int sinceDraft(int index) {
        return sinceDraft[index];
    }

    float survival(int index, int position) {
        return survivals[index * positions + position];
    }

    int pageSize() {
        return pageSize;
    }

    int promptTokens() {
        return promptTokens;
    }

    int prompts() {
        return prompts;
    }

    boolean isWaiting() {
        return waiting;
    }

    /** Drafts that may be granted in all. */
    int budget() {
        return budget;
    }

    int freeBlocks() {
        return freeBlocks;
    }

    /** Pages that may be opened for drafts: none while fewer than the watermark are available. */
    int mayOpen() {
        return Math.max(0, availableBlocks - watermarkBlocks);
    }

    int watermarkBlocks() {
        return watermarkBlocks;
    }

    /** Whether a draft at a position opens a page. */
    boolean opensPage(int index, int position) {
        int beyond = position - openSlots[index];
        return beyond == 0 || (beyond >= pageSize && beyond % pageSize == 0);
    }
}
