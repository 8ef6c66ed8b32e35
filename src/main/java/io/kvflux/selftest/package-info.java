/**
 * Proof by computation: a reference transformer that reads its keys and values through the block tables, from the pages
 * that a scheduler hands out, held token for token against the same model over a plain contiguous cache; and the
 * adversary that runs it through everything that may happen to memory. Nothing here is for serving real models.
 */
@NullMarked
package io.kvflux.selftest;

import org.jspecify.annotations.NullMarked;
