package io.kvflux.tier.connector;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.memory.BlockArenas;
import io.kvflux.tier.Transfer.Direction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TieredConnectorTest extends StoreConnectorContract {

    @Override
    Connector open(BlockArenas over) {
        return tiered(over);
    }

    /** 3: one byte is another than it was. */
    @Test
    void aDamagedPageEndsTheTransferBeforeIt() throws IOException {
        store(0, 60, 61, 62);
        connector.close();
        Path file = folder.resolve("store/segment-000000.kvflux");
        byte[] bytes = Files.readAllBytes(file);
        int last = bytes.length - 1;
        while (bytes[last] == 0) {
            last--;
        }
        bytes[last] ^= 1; // of the last page
        Files.write(file, bytes);
        connector = open(arenas);
        End end = begin(transfer(Direction.FETCH, 0, 0, 5, 3)).await();
        assertThat(end.landed).isEqualTo(2);
        assertThat(end.failure).hasMessageContaining("slot=2");
        assertThat(((TieredConnector) connector).disk().counts().corrupt()).isEqualTo(1);
    }
}
