package io.kvflux.geometry;

/** Where blocks go that leave the device. */
public enum KvConnectorType {
    /** Nowhere: device memory only. */
    NULL,
    /** Host memory. */
    LOCAL,
    /** Host memory, then disk. */
    TIERED,
    /** A block store shared by machines. */
    DKV;

    /** {@return whether this connector cannot work without host memory of its own and prefix caching} */
    public boolean needsHostMemory() {
        return this == LOCAL || this == TIERED;
    }
}
