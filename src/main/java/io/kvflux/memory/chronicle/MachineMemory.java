package io.kvflux.memory.chronicle;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * The physical memory of a machine, to refuse what it has not got: memory is taken lazily, so a region that is too large
 * would be found out when it is written, by the operating system, which then ends some process.
 *
 * @param bytes how much there is
 */
public record MachineMemory(long bytes) {

    /**
     * Checks the number.
     *
     * @param bytes at least 1
     */
    public MachineMemory {
        if (bytes < 1) {
            throw new IllegalArgumentException("a machine's memory must be positive, bytes=" + bytes);
        }
    }

    /**
     * Looks at the machine, or at the limit of the container, if there is one.
     *
     * @return the memory that this process could have
     */
    public static MachineMemory ofThisMachine() {
        return new MachineMemory(
                ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize());
    }

    /**
     * Refuses what is larger than the machine.
     *
     * @param what what the memory is for, as a message calls it
     * @param budgetBytes how much it is
     * @throws IllegalArgumentException if the machine has not got it
     */
    public void requireFits(String what, long budgetBytes) {
        if (budgetBytes > bytes) {
            throw new IllegalArgumentException(what + " must fit the memory of the machine, budgetBytes=" + budgetBytes
                    + ", machineBytes=" + bytes + "; give a smaller budget");
        }
    }
}
