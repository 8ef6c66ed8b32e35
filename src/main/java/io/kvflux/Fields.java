package io.kvflux;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** Atomic access to fields, without an object for each. */
final class Fields {

    private Fields() {}

    static VarHandle of(MethodHandles.Lookup lookup, String name, Class<?> type) {
        try {
            return lookup.findVarHandle(lookup.lookupClass(), name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Adds to a demand that is never reduced; it stays at Long.MAX_VALUE once it is there. */
    static void addDemand(VarHandle field, Object owner, long n) {
        long before;
        long after;
        do {
            before = (long) field.getVolatile(owner);
            after = before > Long.MAX_VALUE - n ? Long.MAX_VALUE : before + n;
        } while (!field.compareAndSet(owner, before, after));
    }
}
