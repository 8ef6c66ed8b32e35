package io.kvflux.sim;

import io.kvflux.core.SchedulerConfig;

/**
 * Stand-in.
 *
 * @param scheduler the scheduler
 * @param cost step times
 * @param tenants tenants
 * @param seed seed
 * @param cacheOnly cache only
 */
public record ReplayOptions(SchedulerConfig scheduler, CostModel cost, int tenants, long seed, boolean cacheOnly) {}
