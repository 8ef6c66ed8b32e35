package io.kvflux.sim;

/** The form of a trace file; {@code docs/workloads.md} defines every key. Each form may be plain or gzip. */
public enum TraceFormat {

    /** Finds the form by looking at the first line. */
    AUTO,

    /**
     * Mooncake JSON lines: {@code timestamp} (ms), {@code input_length}, {@code output_length} and {@code hash_ids},
     * one id per started block of 512 prompt tokens.
     */
    MOONCAKE,

    /** Azure LLM inference trace: CSV with the header {@code TIMESTAMP,ContextTokens,GeneratedTokens}; no content. */
    AZURE,

    /**
     * Block form, JSON lines: {@code t} (ms), {@code in}, {@code out}, {@code h} (ids of the full blocks of 16 prompt
     * tokens) and optionally {@code ho} (ids of the full blocks that lie partly or wholly in the output).
     */
    BLOCKS
}
