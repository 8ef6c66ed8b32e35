/**
 * Pages on disk: a store of fixed slots in mapped segment files that outlives the process, and an index of what is in
 * which slot. The store knows no policy and the index no files; whoever owns both decides what is kept. What is read back
 * is checked against the content's name and a checksum, so damage is a miss and never wrong data.
 */
@NullMarked
package io.kvflux.tier.disk;

import org.jspecify.annotations.NullMarked;
