package io.kvflux.memory.chronicle;

import static java.lang.Long.rotateLeft;

import net.openhft.chronicle.core.Memory;
import net.openhft.chronicle.core.OS;

/**
 * XXH64 as its specification has it (xxhash.com, doc/xxhash_spec.md), over native memory: 64 bits that every library
 * agrees on, so files outlive the version that wrote them. A changed byte changes its lane for certain, and with it the
 * sum but for one chance in 2^64. No protection against an adversary.
 *
 * <p>Words are read in the machine's order, which is little endian, the specification's, wherever this runs.
 */
final class Xxh64 {

    private static final long PRIME_1 = 0x9E3779B185EBCA87L;
    private static final long PRIME_2 = 0xC2B2AE3D27D4EB4FL;
    private static final long PRIME_3 = 0x165667B19E3779F9L;
    private static final long PRIME_4 = 0x85EBCA77C2B2AE63L;
    private static final long PRIME_5 = 0x27D4EB2F165667C5L;
    private static final int STRIPE = 4 * Long.BYTES;
    private static final Memory MEMORY = OS.memory();

    private Xxh64() {}

    static long hash(long address, long length, long seed) {
        long at = address;
        long end = address + length;
        long hash = seed + PRIME_5;
        if (length >= STRIPE) {
            long last = end - STRIPE;
            long lane1 = seed + PRIME_1 + PRIME_2;
            long lane2 = seed + PRIME_2;
            long lane3 = seed;
            long lane4 = seed - PRIME_1;
            for (; at <= last; at += STRIPE) {
                lane1 = round(lane1, MEMORY.readLong(at));
                lane2 = round(lane2, MEMORY.readLong(at + 8));
                lane3 = round(lane3, MEMORY.readLong(at + 16));
                lane4 = round(lane4, MEMORY.readLong(at + 24));
            }
            hash = rotateLeft(lane1, 1) + rotateLeft(lane2, 7) + rotateLeft(lane3, 12) + rotateLeft(lane4, 18);
            hash = merge(merge(merge(merge(hash, lane1), lane2), lane3), lane4);
        }
        return avalanche(rest(hash + length, at, end));
    }

    private static long round(long lane, long input) {
        return rotateLeft(lane + input * PRIME_2, 31) * PRIME_1;
    }

    private static long merge(long hash, long lane) {
        return (hash ^ round(0, lane)) * PRIME_1 + PRIME_4;
    }

    /** The fewer than 32 bytes that fill no stripe. */
    private static long rest(long begun, long from, long end) {
        long hash = begun;
        long at = from;
        for (; end - at >= Long.BYTES; at += Long.BYTES) {
            hash = rotateLeft(hash ^ round(0, MEMORY.readLong(at)), 27) * PRIME_1 + PRIME_4;
        }
        if (end - at >= Integer.BYTES) {
            hash = rotateLeft(hash ^ Integer.toUnsignedLong(MEMORY.readInt(at)) * PRIME_1, 23) * PRIME_2 + PRIME_3;
            at += Integer.BYTES;
        }
        for (; at < end; at++) {
            hash = rotateLeft(hash ^ Byte.toUnsignedLong(MEMORY.readByte(at)) * PRIME_5, 11) * PRIME_1;
        }
        return hash;
    }

    private static long avalanche(long begun) {
        long hash = (begun ^ (begun >>> 33)) * PRIME_2;
        hash = (hash ^ (hash >>> 29)) * PRIME_3;
        return hash ^ (hash >>> 32);
    }
}
