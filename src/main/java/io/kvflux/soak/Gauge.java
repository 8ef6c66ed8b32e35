package io.kvflux.soak;

/** What is measured about once a second, and at quiet points. */
public enum Gauge {
    /** Heap in use when a collection had ended. */
    HEAP_AFTER_GC("heap after GC", Unit.BYTES),
    /** Direct and mapped buffers of the JVM. */
    BUFFERS("direct and mapped buffers", Unit.BYTES),
    /** Regions of native memory and mapped files that the library has. */
    NATIVE("native regions", Unit.BYTES),
    /** Arenas of the device. */
    ARENAS("arenas", Unit.BYTES),
    /** Memory of the process that is resident. */
    RESIDENT("resident memory", Unit.BYTES),
    /** Open files. */
    FILES("open files", Unit.COUNT),
    /** Threads of the JVM. */
    THREADS("threads", Unit.COUNT),
    /** Clients that have ended and are still reachable; at quiet points only. */
    CLIENTS_KEPT("ended clients kept", Unit.COUNT),
    /** Clients that have not ended. */
    CLIENTS("clients", Unit.COUNT),
    /** Sequences that hold blocks. */
    RUNNING("running", Unit.COUNT),
    /** Sequences in the queue. */
    WAITING("waiting", Unit.COUNT),
    /** Tokens that live sequences have generated and their clients have not got, forks left out. */
    BUFFERED("tokens on their way", Unit.COUNT),
    /** Blocks that hold nothing. */
    FREE("free blocks", Unit.COUNT),
    /** Blocks that sequences hold. */
    HELD("held blocks", Unit.COUNT),
    /** Blocks that keep content. */
    CACHED("cached blocks", Unit.COUNT),
    /** Pages on the host. */
    ON_HOST("pages on the host", Unit.COUNT),
    /** Pages on the disk. */
    ON_DISK("pages on the disk", Unit.COUNT),
    /** Transfers in flight. */
    TRANSFERS("transfers in flight", Unit.COUNT),
    /** Tokens that clients got in a second. */
    TOKENS("tokens a second", Unit.RATE),
    /** Sequences that ended in a second. */
    SEQUENCES("sequences a second", Unit.RATE),
    /** Steps in a second. */
    STEPS("steps a second", Unit.RATE),
    /** Collections in a second. */
    COLLECTIONS("collections a second", Unit.RATE),
    /** Share of the time that was spent collecting. */
    GC_SHARE("share of time in GC", Unit.RATE),
    /** Median time of a step. */
    STEP_P50("step, p50", Unit.SECONDS),
    /** 99 of 100 steps took no longer. */
    STEP_P99("step, p99", Unit.SECONDS),
    /** Median time to the first token. */
    FIRST_P50("time to first token, p50", Unit.SECONDS),
    /** 99 of 100 first tokens took no longer. */
    FIRST_P99("time to first token, p99", Unit.SECONDS),
    /** Median time between tokens. */
    NEXT_P50("time to next token, p50", Unit.SECONDS),
    /** 99 of 100 tokens took no longer after the one before. */
    NEXT_P99("time to next token, p99", Unit.SECONDS);

    /** What a number means. */
    public enum Unit {
        /** Bytes. */
        BYTES,
        /** How many there are. */
        COUNT,
        /** How many in a second. */
        RATE,
        /** Seconds. */
        SECONDS
    }

    private final String label;
    private final Unit unit;

    Gauge(String label, Unit unit) {
        this.label = label;
        this.unit = unit;
    }

    /** {@return what people call it} */
    public String label() {
        return label;
    }

    /** {@return what its numbers mean} */
    public Unit unit() {
        return unit;
    }
}
