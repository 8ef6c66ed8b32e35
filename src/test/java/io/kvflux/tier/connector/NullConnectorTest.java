package io.kvflux.tier.connector;

import io.kvflux.memory.BlockArenas;

class NullConnectorTest extends ConnectorContract {

    @Override
    Connector open(BlockArenas over) {
        return new NullConnector();
    }
}
