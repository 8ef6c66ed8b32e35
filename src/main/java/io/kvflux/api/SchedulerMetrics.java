package io.kvflux.api;

/**
 * Live numbers of a scheduler, to be pulled by any thread at any time. Each is exact at the instant when the scheduler
 * last came to rest; several read one after another may stem from different instants (a snapshot is of one). Blocks are
 * summed over replicas: free + held + cached + withheld = usable.
 */
public interface SchedulerMetrics {

    /** {@return blocks that can hold KV} */
    long usableBlocks();

    /** {@return blocks that hold nothing} */
    long freeBlocks();

    /** {@return blocks that sequences hold, each counted once} */
    long heldBlocks();

    /** {@return blocks that nobody holds and a prompt may hit} */
    long cachedBlocks();

    /** {@return blocks let go that a step in flight may still touch} */
    long withheldBlocks();

    /** {@return replicas whose memory is lost; their blocks are in no number} */
    long replicasLost();

    /** {@return sequences that hold blocks} */
    long running();

    /** {@return sequences in the queue: not admitted yet, preempted, or held back by their consumer} */
    long waiting();

    /** {@return sequences submitted and never admitted; at most maxPending} */
    long pending();

    /** {@return sequences kept outside the queue because it is full} */
    long delayed();

    /** {@return steps handed out whose result is not in} */
    long stepsInFlight();

    /** {@return steps whose result has been taken, failed ones included} */
    long stepsCompleted();

    /** {@return steps that failed as a whole} */
    long stepsFailed();

    /** {@return sequences submitted, those refused included} */
    long submitted();

    /** {@return sequences refused: the queue was full, the prompt too long, or the scheduler disposed} */
    long refused();

    /** {@return sequences that ended by a stop token or their token limit} */
    long finished();

    /** {@return sequences that their consumer cancelled} */
    long cancelled();

    /** {@return sequences that failed after they had been taken into the queue} */
    long failed();

    /** {@return how often a sequence gave up its blocks and had to wait again} */
    long preemptions();

    /** {@return of those, the ones whose KV went to the host} */
    long offloadPreemptions();

    /** {@return blocks that the host has room for; 0 without a host tier} */
    long hostBlocks();

    /** {@return of those, the ones that hold a page} */
    long hostResidentBlocks();

    /** {@return of those, the ones that a page is being written to, from a device or from below} */
    long hostWritingBlocks();

    /** {@return blocks written to the host so far} */
    long offloadedBlocks();

    /** {@return blocks read from the host so far} */
    long onloadedBlocks();

    /** {@return pages that the host dropped so far to make room} */
    long droppedBlocks();

    /** {@return blocks that the disk has room for; 0 without a disk} */
    long diskBlocks();

    /** {@return of those, the ones that hold a page that can be found} */
    long diskResidentBlocks();

    /** {@return blocks written to the disk so far} */
    long diskStoredBlocks();

    /** {@return blocks read from the disk so far} */
    long diskFetchedBlocks();

    /** {@return pages that the disk dropped so far to make room} */
    long diskDroppedBlocks();

    /** {@return pages so far that the disk was to have and had not, or not as they were; they are computed again} */
    long diskSpoiledBlocks();

    /** {@return transfers between devices and host that have begun and not landed} */
    long transfersInFlight();

    /** {@return transfers so far that failed, wholly or half-way; what they were to bring is computed again} */
    long transfersFailed();

    /** {@return drafts granted so far: accepted + rejected + aborted + in flight; 0 if nobody drafts} */
    long draftsGranted();

    /** {@return drafts that were verified and accepted so far} */
    long draftsAccepted();

    /** {@return drafts that were verified and rejected so far, those after a rejected one included} */
    long draftsRejected();

    /**
     * {@return drafts that were granted and never made, not wanted any more, or, of a drafter beside the steps, of a token that
     *     a step sampled itself, so far}
     */
    long draftsAborted();

    /** {@return drafts granted whose fate is open} */
    long draftsInFlight();

    /** {@return sequences whose drafter failed or broke a rule so far} */
    long draftersFailed();

    /** {@return prompt tokens of sequences admitted for the first time} */
    long promptTokens();

    /** {@return of those, tokens found in the cache} */
    long cachedTokens();

    /** {@return tokens generated} */
    long generatedTokens();
}
