/**
 * The soak: one scheduler after another under a full load of clients that misbehave, over memory that fails, for as long as
 * wanted; with everything measured that could creep up, and a verdict.
 */
@NullMarked
package io.kvflux.soak;

import org.jspecify.annotations.NullMarked;
