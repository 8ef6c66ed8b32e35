package io.kvflux.sim;

/**
 * One request of a workload. Its tokens are materialised on demand and deterministically: the same request of the
 * same workload and seed has the same tokens in every run, and equal block ids of a trace give equal tokens.
 */
public interface SimRequest {

    /** The stop token that ends every output; no prompt or other output position holds it. */
    int STOP_TOKEN = 128_000;

    /** {@return the position of this request in its file or generator, from 0} */
    long index();

    /** {@return the arrival time in nanoseconds on the trace's own clock; only differences mean something} */
    long arrivalNanos();

    /** {@return prompt tokens, at least 1} */
    int inputLength();

    /** {@return tokens to be generated, at least 1; the scheduler is never told} */
    int outputLength();

    /** {@return tokens that the client says will be generated, right or wrong; 0, the default, if it says nothing} */
    default int expectedTokens() {
        return 0;
    }

    /** {@return a new array with the prompt's tokens, each in [0, {@link #STOP_TOKEN})} */
    int[] promptTokens();

    /**
     * {@return the token generated at {@code position}, {@link #STOP_TOKEN} for the last}
     *
     * @param position position in the output, in [0, {@link #outputLength()})
     */
    int outputToken(int position);
}
