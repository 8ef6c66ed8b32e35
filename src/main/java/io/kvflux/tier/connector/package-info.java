/**
 * Connectors: what carries blocks between the devices of one scheduler and where they go that leave them, as {@link
 * io.kvflux.geometry.KvConnectorType} names it. A connector moves bytes and decides nothing: which page goes where, and when,
 * is the scheduler's, and so is the index of what is where. {@link io.kvflux.tier.connector.Connector} is the contract,
 * which a store that machines share keeps as well.
 */
@NullMarked
package io.kvflux.tier.connector;

import org.jspecify.annotations.NullMarked;
