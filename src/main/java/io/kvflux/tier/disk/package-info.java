/**
 * Pages on disk: a store of fixed slots in mapped segment files that outlives the process. The store knows no policy and
 * keeps no index of what is where, which is {@code HashIndex}, a floor beside it; whoever owns both decides what is kept. What
 * is read back is checked against the content's name and a checksum, so damage is a miss and never wrong data.
 */
@NullMarked
package io.kvflux.tier.disk;

import org.jspecify.annotations.NullMarked;
