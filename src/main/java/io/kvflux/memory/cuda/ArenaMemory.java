package io.kvflux.memory.cuda;

/** Device memory of one arena. Its methods are called within the context of its device. */
interface ArenaMemory {

    /** {@return where it begins, as the device sees it} */
    long address();

    /** Gives it back. On a device that is lost that fails without a word: the context takes it along. */
    void free();
}
