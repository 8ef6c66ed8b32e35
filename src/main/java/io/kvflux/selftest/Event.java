package io.kvflux.selftest;

/** What may happen in a scenario beside sequences that come, generate and end. */
enum Event {
    /** Clients cancel: while they wait, in the middle, with steps in flight. */
    CANCEL,
    /** Clients ask for a few tokens at a time. */
    PAUSE,
    /** Clients stop asking for a long while. */
    STALL,
    /** Clients fork their sequences. */
    FORK,
    /** Clients come back with what was generated, and more. */
    TURNS,
    /** Prompts differ in salt, adapter or media. */
    KEYS,
    /** Clients submit, ask, fork and cancel from inside their signals. */
    REENTER,
    /** The executor lets go of its steps and takes them up again. */
    RERUN,
    /** Somebody follows the events of the cache's blocks. */
    BLOCK_EVENTS,
    /** The cache is cleared when nobody holds a block. */
    CLEAR,
    /** The device is late with its batches. */
    LATE,
    /** The device fails batches: at once or late, before, in the middle of or after the work; or it does not take them. */
    BATCH_FAULT,
    /** The device fails copies between it and the host, in the same ways. */
    SWAP_FAULT,
    /** Sequences are paused by others than their clients, and resumed. */
    HOLD,
    /** The executor fails entries, and leaves garbage in their slots. */
    ENTRY_FAULT,
    /** The executor fails whole steps, and leaves garbage in their slots. */
    STEP_FAULT,
    /** The scheduler is disposed in the middle. */
    DISPOSE,
    /** The scheduler is told to let its sequences end, and disposes. */
    DRAIN,
    /** The scheduler is disposed, and another opened over the same disk; who was in the middle comes again. */
    RESTART,
    /** What is on the disk becomes something else, while the scheduler has it and while nobody has. */
    DISK_FAULT,
    /** A drafter drafts beside the steps: it takes its time, ends, fails, brings too much, leaves and comes back. */
    BESIDE,
    /** Clients say of ranges of their tokens how long they are worth keeping. */
    RETAIN
}
