package io.kvflux.memory.cuda;

/** When pages are copied by kernels, and not by the copy engines of a device. */
public enum KernelUse {
    /** Never: nothing runs on the device's processors. */
    OFF,
    /** Where they were faster when the device was opened, which takes some 50 ms to find out. */
    MEASURED,
    /** Always, where they can be. */
    ALWAYS
}
