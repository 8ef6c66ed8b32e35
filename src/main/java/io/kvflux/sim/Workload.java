package io.kvflux.sim;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A stream of requests in order of arrival. Single-threaded; a file behind it is held open until {@link #close()}. */
public interface Workload extends AutoCloseable {

    /** {@return the file's name, or the generator's name with its seed} */
    String name();

    /** {@return how many requests {@link #next()} will return in all} */
    long size();

    /**
     * {@return what a person should be told once about the input, each a full sentence, such as that the rows were out
     * of order and have been sorted; often empty}
     */
    List<String> notices();

    /**
     * {@return the next request, or null at the end}
     *
     * @throws TraceException if the input is malformed here; the message names file, line and what was expected
     */
    @Nullable
    SimRequest next();

    @Override
    void close();
}
