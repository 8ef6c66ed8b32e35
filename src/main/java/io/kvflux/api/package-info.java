/**
 * The values that cross the border of the scheduling core: sequences and their events going in and out, steps and
 * their results, errors with numbers in them. No behaviour beyond validation lives here, and no third-party type may
 * enter.
 */
@NullMarked
package io.kvflux.api;

import org.jspecify.annotations.NullMarked;
