/**
 * An example of a server around a {@link io.kvflux.BlockScheduler}: a reference model behind HTTP, in the shape of the OpenAI
 * completions API. What the model says means nothing; how a request becomes a sequence, how demand runs from the socket to
 * the scheduler, and how a disconnect frees blocks is what a real server would do. Nothing here decides about blocks.
 */
@NullMarked
package io.kvflux.serve;

import org.jspecify.annotations.NullMarked;
