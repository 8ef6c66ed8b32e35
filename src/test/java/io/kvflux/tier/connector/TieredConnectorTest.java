package io.kvflux.tier.connector;

import io.kvflux.memory.BlockArenas;

class TieredConnectorTest extends StoreConnectorContract {

    @Override
    Connector open(BlockArenas over) {
        return tiered(over);
    }
}
