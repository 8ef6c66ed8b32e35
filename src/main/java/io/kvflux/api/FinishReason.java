package io.kvflux.api;

/** How a sequence ended; each ends exactly once. */
public enum FinishReason {
    /** A stop token was generated; it is the last token delivered. */
    STOP,
    /** The sequence's token limit was reached. */
    LENGTH,
    /** Its consumer cancelled it. */
    CANCELLED,
    /** A step failed, or it outgrew its replica; what was generated before has been delivered. */
    FAILED
}
