package io.kvflux.tier;

import io.kvflux.api.BlockHash;

/**
 * Blocks of one replica that are copied between its device and the host, each with its slot there, or slots of the store
 * below the host, a disk for one, and of the host; in an order that the copies should have. A flyweight: valid from its
 * being told of until its end.
 */
public interface Transfer {

    /** Which way it goes. */
    enum Direction {
        /** From the device down to the host. */
        OFFLOAD,
        /** From the host up to the device. */
        ONLOAD,
        /** From the host down to the store. */
        STORE,
        /** From the store up to the host. */
        FETCH;

        /** {@return whether it goes to the store or comes from it} */
        public boolean isOfStore() {
            return this == STORE || this == FETCH;
        }
    }

    /** {@return which way it goes} */
    Direction direction();

    /** {@return whose blocks these are} */
    int replica();

    /** {@return blocks to copy, at least 1} */
    int size();

    /**
     * A block, or a slot of the store.
     *
     * @param index in [0, {@link #size()})
     * @return its id, or its number
     */
    int block(int index);

    /**
     * The slot of the host that belongs to a block.
     *
     * @param index in [0, {@link #size()})
     * @return its number, from 0
     */
    int slot(int index);

    /**
     * What a page is called in the store.
     *
     * @param index in [0, {@link #size()}) of a transfer {@linkplain Direction#isOfStore of the store}
     * @return its name
     */
    BlockHash name(int index);
}
