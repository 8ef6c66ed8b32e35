package io.kvflux.tier.connector;

import io.kvflux.memory.BlockArenas;

/** The contract is enough for a store that knows pages by name alone. */
class SharedStoreConnectorTest extends StoreConnectorContract {

    private final SharedStoreConnector.Store store = new SharedStoreConnector.Store();

    @Override
    Connector open(BlockArenas over) {
        return new SharedStoreConnector(local(over), store, 30);
    }
}
