package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The equivalents of the page kernels that the stand-in driver runs, held against Java. */
class KernelFunctionsTest {

    private static NativeLibrary library;

    @BeforeAll
    static void compile(@TempDir Path folder) throws IOException, InterruptedException {
        Optional<Tool> compiler = Tool.find("cc");
        if (compiler.isEmpty()) {
            Tool.notShown("cc", "the equivalents of the page kernels compute what Java does");
        }
        assumeTrue(compiler.isPresent());
        Path built = folder.resolve("kernels.so");
        compiler.orElseThrow()
                .run(
                        "-std=gnu11",
                        "-Wall",
                        "-Wextra",
                        "-Werror",
                        "-O2",
                        "-ffp-contract=off",
                        "-shared",
                        "-fPIC",
                        "-o",
                        built.toString(),
                        "native-stubs/kernel_functions.c");
        library = NativeLibrary.getInstance(built.toString());
    }

    @AfterAll
    static void close() {
        if (library != null) {
            library.close();
        }
    }

    private static byte[] random(int bytes) {
        byte[] random = new byte[bytes];
        new SplittableRandom(bytes).nextBytes(random);
        return random;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 8, 9, 15, 16, 63, 64, 4095, 65_536})
    void checksumIsJavas(int bytes) {
        byte[] page = random(bytes);
        try (Memory memory = new Memory(bytes + 16)) {
            for (int shift : new int[] {0, 1, 4}) {
                memory.write(shift, page, 0, bytes);
                Object sum = library.getFunction("page_checksum")
                        .invoke(Long.class, new Object[] {memory.share(shift), (long) bytes});
                assertThat(sum).isEqualTo(PageChecksum.of(page));
            }
        }
    }

    @Test
    void copyAndFillChangeAPageAndNothingBeside() {
        byte[] expected = random(100);
        try (Memory memory = new Memory(100)) {
            memory.write(0, expected, 0, 100);
            library.getFunction("page_copy").invokeVoid(new Object[] {memory.share(3), memory.share(50), 33L});
            System.arraycopy(expected, 3, expected, 50, 33);
            assertThat(memory.getByteArray(0, 100)).isEqualTo(expected);
            library.getFunction("page_fill").invokeVoid(new Object[] {memory.share(10), 7L, (byte) 0xA5});
            Arrays.fill(expected, 10, 17, (byte) 0xA5);
            assertThat(memory.getByteArray(0, 100)).isEqualTo(expected);
        }
    }
}
