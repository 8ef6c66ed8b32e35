package io.kvflux.memory.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;

/**
 * A thread's native memory for the results of calls and for the structures that calls take, so that a call makes no garbage.
 * What is in it is valid until the thread's next call that uses it.
 */
final class Scratch {

    static final int BYTES = 512;
    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    /** How deep the thread is within contexts of ours, and the capture mode that it had before. */
    int depth;

    int captureMode;

    private final Memory memory = new Memory(BYTES);
    private final long address = Pointer.nativeValue(memory);

    /** The calling thread's. */
    static Scratch get() {
        return OF_THREAD.get();
    }

    /** Where it begins. */
    long address() {
        return address;
    }

    /** Where a byte of it is. */
    long address(int offset) {
        return address + offset;
    }

    int getInt(int offset) {
        return memory.getInt(offset);
    }

    long getLong(int offset) {
        return memory.getLong(offset);
    }

    float getFloat(int offset) {
        return memory.getFloat(offset);
    }

    void setInt(int offset, int value) {
        memory.setInt(offset, value);
    }

    void setLong(int offset, long value) {
        memory.setLong(offset, value);
    }

    /** Sets the first bytes to zero. */
    Scratch clear(int bytes) {
        memory.clear(bytes);
        return this;
    }

    /** Text that stands in it. */
    String text(int offset) {
        return memory.getString(offset);
    }

    /** Text that a pointer in it points to; empty if it points to nothing. */
    String textAt(int offset) {
        Pointer text = memory.getPointer(offset);
        return text == null ? "" : text.getString(0);
    }
}
