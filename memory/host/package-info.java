/**
 * The device whose memory is the host's own: what an embedded scheduler runs on by default. It copies synchronously and
 * reports by the same signal as a device that does not. Nothing here touches memory but through a checked region.
 */
@NullMarked
package io.kvflux.memory.host;

import org.jspecify.annotations.NullMarked;
