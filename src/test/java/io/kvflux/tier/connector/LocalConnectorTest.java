package io.kvflux.tier.connector;

import io.kvflux.memory.BlockArenas;

class LocalConnectorTest extends HostConnectorContract {

    @Override
    Connector open(BlockArenas over) {
        return local(over);
    }
}
