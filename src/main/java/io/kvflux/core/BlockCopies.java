package io.kvflux.core;

import java.util.Arrays;

/** Block copies that a step carries out before it computes, and the fork that each is for. */
final class BlockCopies {

    int size;
    int[] replicas = new int[4];
    int[] sources = new int[4];
    int[] destinations = new int[4];
    Sequence[] children = new Sequence[4];

    void add(int replica, int source, int destination, Sequence child) {
        if (size == sources.length) {
            replicas = Arrays.copyOf(replicas, size * 2);
            sources = Arrays.copyOf(sources, size * 2);
            destinations = Arrays.copyOf(destinations, size * 2);
            children = Arrays.copyOf(children, size * 2);
        }
        replicas[size] = replica;
        sources[size] = source;
        destinations[size] = destination;
        children[size] = child;
        size++;
    }

    /** Where the content of a block comes from that a copy in this list has still to write; else the block itself. */
    int origin(int replica, int block) {
        for (int i = 0; i < size; i++) {
            if (destinations[i] == block && replicas[i] == replica) {
                return sources[i];
            }
        }
        return block;
    }

    void moveTo(BlockCopies other) {
        for (int i = 0; i < size; i++) {
            other.add(replicas[i], sources[i], destinations[i], children[i]);
        }
        clear();
    }

    /** Forgets the copies of one replica. */
    void drop(int replica) {
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (replicas[i] != replica) {
                replicas[kept] = replicas[i];
                sources[kept] = sources[i];
                destinations[kept] = destinations[i];
                children[kept++] = children[i];
            }
        }
        Arrays.fill(children, kept, size, null);
        size = kept;
    }

    void clear() {
        Arrays.fill(children, 0, size, null);
        size = 0;
    }
}
