package io.kvflux.block;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** What a pool takes of the heap. */
final class PoolBytes {

    private PoolBytes() {}

    /** Bytes of all that it keeps but the tokens that hits are confirmed with. */
    static long metadata(BlockPool pool) {
        try {
            return arrayBytes(pool, Collections.newSetFromMap(new IdentityHashMap<>()));
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Bytes of the arrays that a pool reaches; a reference counts 4, and the tokens behind one count nothing. */
    private static long arrayBytes(Object owner, Set<Object> seen) throws IllegalAccessException {
        if (!seen.add(owner)) {
            return 0;
        }
        long bytes = 0;
        for (Field field : owner.getClass().getDeclaredFields()) {
            if (field.getType().isPrimitive() || Modifier.isStatic(field.getModifiers())) {
                continue;
            }
            field.setAccessible(true);
            Object value = field.get(owner);
            if (value == null) {
                continue;
            }
            if (value.getClass().isArray()) {
                bytes += (long) Array.getLength(value)
                        * cellBytes(value.getClass().getComponentType());
            } else if (value.getClass().getPackageName().equals("io.kvflux.block")) {
                bytes += arrayBytes(value, seen);
            }
        }
        return bytes;
    }

    private static int cellBytes(Class<?> type) {
        if (type == byte.class || type == boolean.class) {
            return Byte.BYTES;
        }
        if (type == short.class) {
            return Short.BYTES;
        }
        return type == long.class || type == double.class ? Long.BYTES : Integer.BYTES;
    }
}
