/**
 * The geometry of KV caches: element types, devices, one cache, several caches of one sequence, and the cost of a
 * block as the sum over them. Capacity arithmetic and the symbolic inputs of a step live here too. Nothing here knows
 * block ids, sequences or memory addresses, and no third-party type may enter.
 */
@NullMarked
package io.kvflux.geometry;

import org.jspecify.annotations.NullMarked;
