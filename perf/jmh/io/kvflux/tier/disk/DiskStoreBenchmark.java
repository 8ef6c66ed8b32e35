package io.kvflux.tier.disk;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.HashAlgorithm;
import io.kvflux.memory.chronicle.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Pages to and from a store of 64 MiB whose files the operating system has in memory, so that what is measured is the
 * store and not the disk; {@code copy} moves the same bytes between two regions, {@code checksum} sums them up.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class DiskStoreBenchmark {

    private static final long BYTES = 64L << 20;

    @Param({"65536", "2097152"})
    private int payloadBytes = 65_536;

    private Path directory;
    private DiskStore store;
    private Region memory;
    private BlockHash[] names;
    private int at;

    @Setup(Level.Trial)
    public void fill() throws IOException {
        directory = Files.createTempDirectory("kvflux");
        DiskLayout layout = new DiskLayout("benchmark", 16, HashAlgorithm.SHA_256, payloadBytes);
        store = DiskStore.open(directory, layout, new DataSize(BYTES));
        memory = Region.allocate(BYTES, 4096);
        memory.fill(0, BYTES, (byte) 7);
        names = new BlockHash[store.slots()];
        for (int slot = 0; slot < names.length; slot++) {
            names[slot] = new BlockHash(
                    ByteBuffer.allocate(BlockHash.BYTES).putInt(slot).array());
            store.write(slot, names[slot], memory, offset(slot));
        }
    }

    @TearDown(Level.Trial)
    public void delete() throws IOException {
        store.close();
        memory.close();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    private int next() {
        at = at + 1 == names.length ? 0 : at + 1;
        return at;
    }

    private long offset(int slot) {
        return (long) slot * payloadBytes;
    }

    @Benchmark
    public DiskWrite write() {
        int slot = next();
        return store.write(slot, names[slot], memory, offset(slot));
    }

    @Benchmark
    public DiskRead read() {
        int slot = next();
        return store.read(slot, names[slot], memory, offset(slot));
    }

    @Benchmark
    public void copy() {
        int slot = next();
        memory.copy(offset(slot), offset((slot + names.length / 2) % names.length), payloadBytes);
    }

    @Benchmark
    public long checksum() {
        return memory.checksum(offset(next()), payloadBytes, 0);
    }
}
