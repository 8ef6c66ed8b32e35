package io.kvflux.memory.chronicle;

import java.util.List;

/** Files cannot be mapped, because the JVM was started without the flags that it takes. The message names them. */
public final class MissingFlagsException extends RuntimeException {

    private final List<String> flags;

    MissingFlagsException(List<String> flags) {
        super("mapping files needs flags that this JVM was started without, missing=" + String.join(" ", flags)
                + ": add them to its command line");
        this.flags = List.copyOf(flags);
    }

    /** {@return the flags that are missing, as a command line has them} */
    public List<String> flags() {
        return flags;
    }
}
