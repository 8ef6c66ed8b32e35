/**
 * The reactive shell: {@link io.kvflux.BlockScheduler}, its builder, and the executor it drives. It serialises what
 * happens on any thread into the scheduling core and owns every Publisher. No scheduling decision is taken here.
 */
@NullMarked
package io.kvflux;

import org.jspecify.annotations.NullMarked;
