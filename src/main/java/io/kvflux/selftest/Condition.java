package io.kvflux.selftest;

/** What a claim of correctness must have been tried under; counted as it happens. */
public enum Condition {
    /** A sequence found pages of its prompt in the cache. */
    PREFIX_HIT("prefix hits"),
    /** A sequence came back with what it had generated, and found that in the cache. */
    GENERATED_HIT("hits on generated tokens"),
    /** A sequence was forked. */
    FORK("forks"),
    /** A fork's open page was copied. */
    COPY_ON_WRITE("open pages copied for forks"),
    /** A prompt was computed in more than one step. */
    CHUNKED_PREFILL("chunks of prompts"),
    /** A sequence gave up its blocks and computed them again. */
    RECOMPUTE("recompute preemptions"),
    /** A step was planned on tokens not sampled yet. */
    PENDING_TOKEN("steps on pending tokens"),
    /** Heads on one device. */
    TENSOR_PARALLEL_1("tensor parallel 1"),
    /** Heads on two devices. */
    TENSOR_PARALLEL_2("tensor parallel 2"),
    /** Heads on four devices. */
    TENSOR_PARALLEL_4("tensor parallel 4"),
    /** One replica. */
    DATA_PARALLEL_1("data parallel 1"),
    /** Two replicas. */
    DATA_PARALLEL_2("data parallel 2"),
    /** One step in flight. */
    OVERLAP_1("overlap 1"),
    /** Two steps in flight. */
    OVERLAP_2("overlap 2"),
    /** Three steps in flight. */
    OVERLAP_3("overlap 3"),
    /** Grouped-query attention. */
    GROUPED_QUERY("grouped-query attention"),
    /** One latent row a token. */
    LATENT("latent attention"),
    /** The same latent row on several shards. */
    LATENT_REPLICATED("latent rows replicated"),
    /** Pages of FLOAT32. */
    FLOAT32("float32 pages"),
    /** Pages of BFLOAT16. */
    BFLOAT16("bfloat16 pages"),
    /** A second cache, of a draft model. */
    DRAFT_MODEL("draft model beside"),
    /** No more blocks than the longest sequence needs. */
    SMALLEST_POOL("smallest pools"),
    /** A sequence outgrew its replica. */
    OUTGROWN("sequences that outgrew"),
    /** A client cancelled while its sequence held no block. */
    CANCEL_WAITING("cancels while waiting"),
    /** A client cancelled while its sequence ran. */
    CANCEL_RUNNING("cancels while running"),
    /** A client cancelled while a step in flight had its sequence. */
    CANCEL_IN_FLIGHT("cancels with a step in flight"),
    /** A client had asked for no more tokens than it got. */
    PAUSE("pauses"),
    /** A client stopped asking for a long while. */
    STALL("stalls"),
    /** The sequence of a client that stalled lost its blocks and got them back. */
    STALLED_PREEMPTED("stalled, preempted, resumed"),
    /** The cache was cleared. */
    CACHE_CLEARED("caches cleared"),
    /** The device was late with a batch. */
    BATCH_LATE("late batches"),
    /** The device failed a batch. */
    BATCH_FAILED("failed batches"),
    /** The executor failed an entry. */
    ENTRY_FAILED("failed entries"),
    /** The executor failed a step. */
    STEP_FAILED("failed steps"),
    /** The scheduler was disposed with sequences in it. */
    DISPOSED("disposals in the middle"),
    /** A prompt had a salt. */
    SALT("salts"),
    /** A prompt had an adapter. */
    ADAPTER("adapters"),
    /** A prompt had a media item. */
    MEDIA("media items"),
    /** A sequence ended at a stop token. */
    STOP("stop tokens"),
    /** A sequence ended at its token limit. */
    LENGTH("token limits"),
    /** Tokens were drawn, not the most likely ones. */
    DRAWN("draws"),
    /** A model's most likely token was taken. */
    GREEDY("greedy choices");

    private final String label;

    Condition(String label) {
        this.label = label;
    }

    /** {@return what is counted, in words} */
    public String label() {
        return label;
    }
}
