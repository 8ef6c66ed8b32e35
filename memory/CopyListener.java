package io.kvflux.memory;

/** Hears how a batch ended: exactly one of the two, exactly once, on any thread. */
public interface CopyListener {

    /**
     * Everything in the batch has been done, and a kernel started from here on sees it.
     *
     * @param batch the batch that was submitted; it may be changed and submitted again
     */
    void completed(CopyBatch batch);

    /**
     * The batch has not been done, or only in part: what its destinations and zeroed blocks hold is undefined.
     *
     * @param batch the batch that was submitted; it may be changed and submitted again
     * @param cause why
     */
    void failed(CopyBatch batch, Throwable cause);
}
