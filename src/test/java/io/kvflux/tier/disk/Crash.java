package io.kvflux.tier.disk;

/**
 * The death of a process between two accesses to its files. {@code crash.txt} has the mapping of files ask here before each;
 * one after which nothing is accessed any more, until somebody says that another process begins.
 */
public final class Crash {

    /** Ends what the process was doing; an opening that it ends lets go of the directory, as the operating system does. */
    static final class Death extends RuntimeException {
        Death() {
            super("the process is dead");
        }
    }

    private static final long NEVER = Long.MAX_VALUE;

    private static long left = NEVER;

    private Crash() {}

    /** The process dies after so many accesses. */
    static void after(long accesses) {
        left = accesses;
    }

    /** Another process, which does not die. */
    static void never() {
        left = NEVER;
    }

    /** A part of the files is about to be read or written. */
    public static void beforeAccess() {
        if (left == 0) {
            throw new Death();
        }
        left -= left == NEVER ? 0 : 1;
    }
}
