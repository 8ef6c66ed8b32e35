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
    /** A sequence was forked that was in a step in flight. */
    FORK_IN_FLIGHT("forks with a step in flight"),
    /** An open page was copied on several shards. */
    COPY_SHARDED("open pages copied on all shards"),
    /** A fork was forked. */
    FORK_OF_FORK("forks of forks"),
    /** A prompt was computed in more than one step. */
    CHUNKED_PREFILL("chunks of prompts"),
    /** A sequence gave up its blocks and computed tokens again. */
    RECOMPUTE("recompute preemptions"),
    /** One that did so found some of its pages in the cache. */
    RECOMPUTE_HIT("recomputed but for hits"),
    /** One that did so was in a step in flight. */
    RECOMPUTE_IN_FLIGHT("recomputed, an old step in flight"),
    /** One that did so was a fork. */
    RECOMPUTE_FORK("recomputed forks"),
    /** One that did so went on in another replica. */
    RECOMPUTE_ELSEWHERE("recomputed on another replica"),
    /** A chunk of a prompt followed a hit. */
    CHUNK_AFTER_HIT("chunks after a hit"),
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
    /** A client cancelled while a step in flight copied the open page of its fork. */
    CANCEL_COPYING("cancels with a copy in flight"),
    /** A sequence was held back by its client alone, which had not asked for more. */
    PAUSE("pauses"),
    /** A client stopped asking for a long while. */
    STALL("stalls"),
    /** The sequence of a client that stalled lost its blocks and got them back. */
    STALLED_PREEMPTED("stalled, preempted, resumed"),
    /** The cache was cleared. */
    CACHE_CLEARED("caches cleared"),
    /** Admission left no room for the prompts that were admitted before. */
    NO_RESERVE("no reserve for prompts"),
    /** A step that preempted admitted nobody. */
    NO_READMISSION("no admission after preemption"),
    /** What a block held stays in it until its next user writes. */
    UNFILLED("blocks that are not filled"),
    /** Few admissions went past a sequence that did not fit. */
    FEW_SKIPS("few skips past the first"),
    /** Who was submitted later was admitted first, having less work to do. */
    OVERTAKEN("overtaken by less work"),
    /** Who was submitted so much later that ageing kept it behind waited longer. */
    AGEING("kept behind by ageing"),
    /** One was admitted, and for that others were preempted that had less left. */
    LEVELLED("started in others' place"),
    /** Admission left room for what ran to grow. */
    ROOM_FOR_GROWTH("room left to grow"),
    /** The one with most work left was preempted. */
    VICTIM_MOST_WORK("preempted by work left"),
    /** The one was preempted whose room was cheapest. */
    VICTIM_CHEAPEST_ROOM("preempted by the price of room"),
    /** Adaptive eviction took a page. */
    EVICTED_ADAPTIVE("adaptive evictions"),
    /** Adaptive eviction took another page than LRU would have. */
    EVICTED_BY_WORTH("evictions by worth"),
    /** Other content was evicted, and what a client wants kept was not. */
    RETAINED("content kept by priority"),
    /** Content to which a client had given a priority was evicted by that. */
    RETAINED_EVICTED("content evicted by priority"),
    /** The device was late with a batch. */
    BATCH_LATE("late batches"),
    /** The device failed a batch at once. */
    BATCH_FAILED("failed batches"),
    /** The device failed a batch late. */
    BATCH_FAILED_LATE("late failed batches"),
    /** The device carried out half of a batch and failed it. */
    BATCH_HALF_DONE("half-done batches"),
    /** The device carried out a batch and yet failed it. */
    BATCH_DONE_FAILED("done batches told to have failed"),
    /** The device did not take a batch. */
    BATCH_REFUSED("refused batches"),
    /** Pages went to the host. */
    OFFLOAD("offloads to the host"),
    /** Pages came back from the host. */
    ONLOAD("onloads from the host"),
    /** A preempted sequence kept its KV on the host. */
    OFFLOAD_PREEMPTION("offload preemptions"),
    /** The host was full and dropped pages. */
    HOST_DROPPED("pages dropped by a full host"),
    /** A page is on one tier only. */
    HOST_EXCLUSIVE("exclusive hosts"),
    /** A page stays on the host when it comes back. */
    HOST_INCLUSIVE("inclusive hosts"),
    /** A page goes to the host when it is computed. */
    HOST_WRITE_THROUGH("write-through hosts"),
    /** Nothing of a preempted sequence is brought back. */
    HOST_RECOMPUTE("hosts, and recomputing yet"),
    /** A copy between device and host was late. */
    TRANSFER_LATE("late transfers"),
    /** A copy between device and host failed, before, in the middle of or after the work. */
    TRANSFER_FAILED("failed transfers"),
    /** A client cancelled while pages of its sequence were on their way up from the host. */
    CANCEL_LOADING("cancels while brought back"),
    /** A sequence was paused while it ran. */
    HELD("sequences paused while running"),
    /** A sequence that was paused was resumed. */
    RESUMED("sequences resumed"),
    /** The worker of copies was late, so that those of the disk were. */
    WORKER_LATE("late workers of copies"),
    /** Pages went on to the disk. */
    DISK_STORED("pages written to the disk"),
    /** Pages came back from the disk. */
    DISK_FETCHED("pages read from the disk"),
    /** The disk was full, and new pages took the place of old ones. */
    DISK_REUSED("pages dropped by a full disk"),
    /** A scheduler was disposed with no sequence in it, and another opened over the same disk. */
    RESTARTED("warm restarts"),
    /** The same, with sequences in it. */
    RESTARTED_ALIVE("warm restarts in the middle"),
    /** A scheduler read pages that one before it had written. */
    WARM_HIT("disk hits after a restart"),
    /** A disk was kept from a scheduler while another had it. */
    DISK_LOCKED("disks in use refused"),
    /** A disk was kept from a scheduler of another geometry. */
    DISK_REFUSED("other geometries refused"),
    /** The disk's files were damaged while a scheduler had them. */
    DISK_ROT("disks damaged in use"),
    /** An opening found damage. */
    DISK_DAMAGE_FOUND("damage found at an opening"),
    /** A page was to be read from the disk, and was not there any more, or not as it was written. */
    DISK_MISS("damaged pages missed"),
    /** The disk had no room, because something else had the name of its file. */
    DISK_NO_ROOM("disks without room"),
    /** The caches have draft tokens, and nobody drafts. */
    DRAFTING_OFF("speculation, off"),
    /** Everybody drafts as much. */
    DRAFTING_FIXED("speculation, fixed"),
    /** Everybody drafts as much, by how many there are. */
    DRAFTING_TABLE("speculation, by a table"),
    /** As many drafts as bring the most tokens a second. */
    DRAFTING_ADAPTIVE("speculation, adaptive"),
    /** Speculation, one step in flight. */
    SPECULATION_OVERLAP_1("speculation, overlap 1"),
    /** Speculation, two steps in flight. */
    SPECULATION_OVERLAP_2("speculation, overlap 2"),
    /** Speculation, three steps in flight. */
    SPECULATION_OVERLAP_3("speculation, overlap 3"),
    /** Drafts were accepted. */
    DRAFTS_ACCEPTED("rounds with drafts accepted"),
    /** Drafts were rejected. */
    DRAFTS_REJECTED("rounds with drafts rejected"),
    /** Not all drafts were accepted, and a later step in flight had been planned as if they were. */
    DRAFTS_REJECTED_LATE("drafts rejected, a later step in flight"),
    /** A step was to verify drafts that were not made yet. */
    DRAFTS_PENDING("steps on pending drafts"),
    /** Fewer drafts were made than an entry was planned with. */
    DRAFTS_NOT_MADE("drafts that were not made"),
    /** A sequence that had found pages of its prompt had drafts accepted. */
    DRAFTS_AFTER_HIT("drafts accepted after a prefix hit"),
    /** A stop token was among the accepted drafts. */
    STOP_IN_DRAFTS("stop tokens among accepted drafts"),
    /** A sequence came to its token limit in a round with accepted drafts. */
    LIMIT_AFTER_DRAFTS("token limits after accepted drafts"),
    /** A grant opened a page. */
    DRAFT_PAGE_OPENED("pages opened for drafts"),
    /** A sequence gave back a page that only drafts had needed. */
    DRAFT_PAGE_RETURNED("pages of drafts given back"),
    /** Fewer drafts were verified than granted, because they had to do with their pages. */
    DRAFTS_GAVE_WAY("drafts cut to their pages"),
    /** A sequence was preempted that had been granted drafts. */
    DRAFTS_PREEMPTED("preempted with drafts"),
    /** A sequence was paused that had been granted drafts. */
    HELD_DRAFTING("paused with drafts"),
    /** A sequence was forked that had been granted drafts. */
    FORK_DRAFTING("forks of who drafts"),
    /** A client cancelled whose sequence had been granted drafts. */
    CANCEL_DRAFTING("cancels with drafts"),
    /** The executor failed an entry that was to verify drafts. */
    ENTRY_FAILED_DRAFTING("failed entries with drafts"),
    /** Who had not drafted for long drafted once, to see. */
    DRAFT_PROBE("probes"),
    /** A drafter beside the steps brought a draft. */
    BESIDE_BROUGHT("drafts brought beside"),
    /** Drafts were accepted that a drafter beside the steps had brought. */
    BESIDE_ACCEPTED("drafts beside, accepted"),
    /** The same, the token before them being pending. */
    BESIDE_ACCEPTED_PENDING("drafts beside, accepted after a pending token"),
    /** Drafts were rejected that a drafter beside the steps had brought. */
    BESIDE_REJECTED("drafts beside, rejected"),
    /** A drafter was cancelled that had not brought all that it was asked for. */
    BESIDE_CANCELLED("drafters cancelled"),
    /** A drafter had no more drafts. */
    BESIDE_ENDED("drafters that ended"),
    /** A drafter failed, or brought too much. */
    BESIDE_FAILED("drafters that failed"),
    /** The drafter of all sequences left, or came back, with sequences drafting. */
    BESIDE_TURNED("drafters that left or came back"),
    /** As many drafts were in flight as may be. */
    CREDITS_USED_UP("all credits in flight"),
    /** A preempted sequence kept its KV on the host, drafts being about. */
    SPECULATION_OFFLOAD("speculation, offload preemptions"),
    /** Pages came back from the host, drafts being about. */
    SPECULATION_ONLOAD("speculation, onloads"),
    /** Pages came back from the disk, drafts being about. */
    SPECULATION_DISK("speculation, pages read from the disk"),
    /** The executor failed an entry. */
    ENTRY_FAILED("failed entries"),
    /** The executor failed an entry while a later step in flight had one of the same sequence. */
    ENTRY_FAILED_BELOW("failed entries, a later one in flight"),
    /** The executor failed a step. */
    STEP_FAILED("failed steps"),
    /** The executor failed a step that had copied open pages. */
    STEP_FAILED_COPYING("failed steps with copies"),
    /** The executor let go of its steps, some of them in flight, and took them up again. */
    RERUN("executors that came back"),
    /** The scheduler was disposed with sequences in it. */
    DISPOSED("disposals in the middle"),
    /** The scheduler was told to let its sequences end, with sequences in it. */
    DRAINED("graceful disposals"),
    /** A client was refused because too many waited. */
    QUEUE_FULL("refusals of a full queue"),
    /** A client submitted from inside a signal. */
    REENTRANT_SUBMIT("submits from inside a signal"),
    /** A client asked for more from inside a signal. */
    REENTRANT_REQUEST("requests from inside a signal"),
    /** A client forked from inside a signal. */
    REENTRANT_FORK("forks from inside a signal"),
    /** A client cancelled from inside a signal. */
    REENTRANT_CANCEL("cancels from inside a signal"),
    /** The cache's block events were replayed and held against the cache. */
    EVENTS_REPLAYED("replays of block events"),
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
