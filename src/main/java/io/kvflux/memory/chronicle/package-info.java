/**
 * Checked off-heap regions and their file form: the only package that touches Chronicle, whose native stores check nothing themselves. Every
 * access here is checked for bounds and liveness, and every byte is accounted for. Pages and blocks are not known.
 */
@NullMarked
package io.kvflux.memory.chronicle;

import org.jspecify.annotations.NullMarked;
