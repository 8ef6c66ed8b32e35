package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The page kernels, their own source and the equivalents of the stand-in driver, held against Java on the processor. */
class PageKernelsTest {

    private static final int PAGES = 3;

    private static ProcessorKernels source;
    private static ProcessorKernels standIn;

    /** Pages in one memory, with bytes before and between them that nobody may touch. */
    private static final class Room {

        final Memory memory;
        final Memory addresses = new Memory(8 * PAGES);
        private final int first;
        private final int distance;

        /** Pages that begin so many bytes after a multiple of 64. */
        Room(int bytes, int shift) {
            distance = (bytes + 63) / 64 * 64 + 64;
            memory = new Memory(64 * 3 + (long) distance * PAGES);
            byte[] random = new byte[(int) memory.size()];
            new SplittableRandom(bytes).nextBytes(random);
            memory.write(0, random, 0, random.length);
            long begin = Pointer.nativeValue(memory);
            first = (int) ((begin + 127) / 64 * 64 + shift - begin);
            for (int i = 0; i < PAGES; i++) {
                addresses.setLong(8L * i, begin + at(i));
            }
        }

        int at(int page) {
            return first + page * distance;
        }

        byte[] all() {
            return memory.getByteArray(0, (int) memory.size());
        }
    }

    @BeforeAll
    static void compile(@TempDir Path folder) throws IOException, InterruptedException {
        Optional<ProcessorKernels> own = ProcessorKernels.ofSource(folder, "memory/cuda/pages.cu");
        Optional<ProcessorKernels> equivalents = ProcessorKernels.ofStandIn(folder);
        assumeTrue(own.isPresent() && equivalents.isPresent());
        source = own.get();
        standIn = equivalents.get();
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 0, 3, 1, 1",
        "1, 0, 0, 3, 1, 1",
        "64, 0, 0, 3, 2, 32",
        "4096, 0, 16, 1, 1, 3",
        "1000, 0, 0, 2, 5, 4",
        "1001, 4, 8, 3, 2, 32",
        "100, 0, 1, 3, 2, 32",
        "103, 3, 4, 7, 3, 1",
        "2047, 12, 0, 3, 1, 64"
    })
    void pagesAreCopiedAndNothingBesideThem(int bytes, int from, int to, int columns, int rows, int threads) {
        Room sources = new Room(bytes, from);
        Room destinations = new Room(bytes, to);
        byte[] expected = destinations.all();
        Memory pairs = new Memory(16 * PAGES);
        for (int i = 0; i < PAGES; i++) {
            pairs.setLong(16L * i, sources.addresses.getLong(8L * i));
            pairs.setLong(16L * i + 8, destinations.addresses.getLong(8L * (PAGES - 1 - i)));
            System.arraycopy(sources.all(), sources.at(i), expected, destinations.at(PAGES - 1 - i), bytes);
        }
        source.launch("kvflux_copy_pages", columns, rows, threads, pairs, PAGES, (long) bytes);
        assertThat(destinations.all()).isEqualTo(expected);
        System.arraycopy(sources.all(), sources.at(0), expected, destinations.at(0), bytes);
        standIn.call(
                "page_copy", sources.memory.share(sources.at(0)), destinations.memory.share(destinations.at(0)), (long)
                        bytes);
        assertThat(destinations.all()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 3, 1, 1",
        "64, 0, 3, 2, 32",
        "4096, 16, 1, 1, 3",
        "1001, 4, 3, 2, 32",
        "103, 3, 7, 3, 1",
        "2047, 12, 3, 1, 64"
    })
    void pagesAreFilledAndNothingBesideThem(int bytes, int shift, int columns, int rows, int threads) {
        Room room = new Room(bytes, shift);
        byte[] expected = room.all();
        for (int i = 0; i < PAGES; i++) {
            Arrays.fill(expected, room.at(i), room.at(i) + bytes, (byte) 0xA5);
        }
        source.launch("kvflux_fill_pages", columns, rows, threads, room.addresses, PAGES, (long) bytes, 0x1A5);
        assertThat(room.all()).isEqualTo(expected);
        Arrays.fill(expected, room.at(1), room.at(1) + bytes, (byte) 7);
        standIn.call("page_fill", room.memory.share(room.at(1)), (long) bytes, (byte) 7);
        assertThat(room.all()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 3, 1",
        "1, 0, 3, 1",
        "7, 1, 2, 2",
        "8, 0, 1, 3",
        "15, 0, 3, 2",
        "16, 0, 4, 1",
        "24, 0, 3, 5",
        "4096, 0, 3, 8",
        "4095, 0, 3, 8",
        "1003, 5, 1, 7",
        "65536, 8, 3, 3",
        "65543, 0, 3, 3"
    })
    void theChecksumIsJavasWhateverTheGrid(int bytes, int shift, int columns, int rows) {
        Room room = new Room(bytes, shift);
        Memory sums = new Memory(8 * PAGES);
        sums.clear();
        source.launch("kvflux_checksum_pages", columns, rows, 1, room.addresses, PAGES, (long) bytes, sums);
        for (int i = 0; i < PAGES; i++) {
            long expected = PageChecksum.of(room.memory.getByteArray(room.at(i), bytes));
            assertThat(sums.getLong(8L * i)).isEqualTo(expected);
            assertThat(standIn.ask("page_checksum", room.memory.share(room.at(i)), (long) bytes))
                    .isEqualTo(expected);
        }
    }
}
