package io.kvflux.memory.chronicle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class MappedRegionTest {

    private static final int BYTES = 8192;

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void makeFile() throws IOException {
        file = folder.resolve("a file");
        Files.write(file, new byte[BYTES]);
    }

    @Test
    void whatIsWrittenIsInTheFile() throws IOException {
        try (MappedRegion mapped = MappedRegion.map(file, BYTES)) {
            mapped.write(5, new byte[] {1, 2, 3});
            mapped.writeLong(100, 0x1122334455667788L);
            mapped.writeOrderedLong(BYTES - 8, 42);
            mapped.writeVolatileLong(BYTES - 16, 43);
            mapped.fill(200, 2, (byte) 9);
            mapped.force();
            byte[] inFile = Files.readAllBytes(file);
            assertThat(inFile).hasSize(BYTES).startsWith(0, 0, 0, 0, 0, 1, 2, 3, 0);
            assertThat(inFile[200]).isEqualTo((byte) 9);
        }
        try (MappedRegion again = MappedRegion.map(file, BYTES)) {
            byte[] read = new byte[3];
            again.read(5, read);
            assertThat(read).containsExactly(1, 2, 3);
            assertThat(again.readLong(100)).isEqualTo(0x1122334455667788L);
            assertThat(again.readVolatileLong(BYTES - 8)).isEqualTo(42);
            assertThat(again.readVolatileLong(BYTES - 16)).isEqualTo(43);
            assertThat(again.bytes()).isEqualTo(BYTES);
        }
    }

    @Test
    void bytesTravelBetweenFileAndMemory() throws IOException {
        try (MappedRegion mapped = MappedRegion.map(file, BYTES);
                Region memory = Region.allocate(64, 64)) {
            memory.write(10, new byte[] {1, 2, 3, 4});
            mapped.copyFrom(4000, memory, 10, 4);
            mapped.copyTo(4001, memory, 60, 3);
            byte[] read = new byte[3];
            memory.read(60, read);
            assertThat(read).containsExactly(2, 3, 4);
            assertThat(mapped.checksum(4000, 4, 7)).isEqualTo(memory.checksum(10, 4, 7));
        }
    }

    @Test
    void anAccessStaysInTheMapping() throws IOException {
        try (MappedRegion mapped = MappedRegion.map(file, 100);
                Region memory = Region.allocate(10, 1)) {
            assertThatThrownBy(() -> mapped.readLong(93))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("an access must stay in the mapping, offset=93, length=8, bytes=100, file=" + file);
            assertThatThrownBy(() -> mapped.fill(-1, 1, (byte) 0)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> mapped.checksum(1, 100, 0)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> mapped.copyTo(0, memory, 1, 10)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> mapped.copyFrom(95, memory, 0, 10)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> mapped.writeOrderedLong(4, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("an ordered access must be aligned, offset=4, alignment=8");
        }
    }

    @Test
    void nothingIsDoneWithAClosedMapping() throws IOException {
        MappedRegion mapped = MappedRegion.map(file, 100);
        mapped.close();
        mapped.close();
        assertThatThrownBy(() -> mapped.readLong(0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the mapping is closed, file=" + file + ", bytes=100");
        assertThatThrownBy(mapped::force).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void nothingIsCopiedToOrFromAClosedRegion() throws IOException {
        Region memory = Region.allocate(10, 1);
        memory.close();
        try (MappedRegion mapped = MappedRegion.map(file, 100)) {
            assertThatThrownBy(() -> mapped.copyTo(0, memory, 0, 10)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> mapped.copyFrom(0, memory, 0, 10)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> memory.checksum(0, 1, 0)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void aFileMustBeThereAndLongEnough() {
        assertThatThrownBy(() -> MappedRegion.map(file, BYTES + 1))
                .isInstanceOf(IOException.class)
                .hasMessage("a file must be as long as its mapping, file=" + file + ", length=8192, bytes=8193");
        assertThatThrownBy(() -> MappedRegion.map(file, 0)).isInstanceOf(IllegalArgumentException.class);
        Path absent = folder.resolve("absent");
        assertThatThrownBy(() -> MappedRegion.map(absent, 1)).isInstanceOf(NoSuchFileException.class);
        assertThat(absent).doesNotExist();
    }

    @Test
    void filesOfSeveralGigabytesAreMappedWhole() throws IOException {
        long bytes = 5L << 30;
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(bytes);
        }
        try (MappedRegion mapped = MappedRegion.map(file, bytes)) {
            for (long at = 0; at < bytes; at += 1L << 30) {
                mapped.writeLong(at, at + 1);
            }
            mapped.writeLong(bytes - 8, 7);
            for (long at = 0; at < bytes; at += 1L << 30) {
                assertThat(mapped.readLong(at)).isEqualTo(at + 1);
            }
            assertThat(mapped.readLong(bytes - 8)).isEqualTo(7);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aClosedMappingIsGone() throws IOException {
        long bytes = MappedRegion.liveBytes();
        long regions = MappedRegion.liveRegions();
        for (int i = 0; i < 50; i++) {
            try (MappedRegion mapped = MappedRegion.map(file, BYTES)) {
                mapped.writeLong(0, i);
                assertThat(mappings()).isEqualTo(1);
                assertThat(MappedRegion.liveBytes() - bytes).isEqualTo(BYTES);
            }
        }
        assertThat(mappings()).isZero();
        assertThat(MappedRegion.liveBytes()).isEqualTo(bytes);
        assertThat(MappedRegion.liveRegions()).isEqualTo(regions);
    }

    private long mappings() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> line.contains(file.toString()))
                .count();
    }

    @Test
    @Timeout(60)
    void aJvmWithoutTheFlagsIsToldThem() throws Exception {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Mapping.class.getName(),
                        file.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(said)
                .isEqualTo("mapping files needs flags that this JVM was started without, "
                        + "missing=--add-opens=java.base/java.lang.reflect=ALL-UNNAMED "
                        + "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED: add them to its command line");
    }

    /** What the JVM without flags runs. */
    static final class Mapping {

        private Mapping() {}

        public static void main(String[] args) throws IOException {
            try (MappedRegion mapped = MappedRegion.map(Path.of(args[0]), 1)) {
                System.out.print("mapped " + mapped.bytes());
            } catch (MissingFlagsException e) {
                System.out.print(e.getMessage());
            }
        }
    }
}
