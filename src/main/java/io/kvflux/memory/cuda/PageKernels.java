package io.kvflux.memory.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** The kernels of pages.cu on one device: they move many pieces in one launch. Its methods need the context of the device. */
final class PageKernels {

    private static final int THREADS = 256;
    /** What a block of threads moves of a piece at least, so that small pieces take one. */
    private static final long BYTES_PER_BLOCK = 16 << 10;

    private static final int MOST_BLOCKS_PER_PIECE = 16;

    private final Gpu gpu;
    private final long module;
    private final long copy;
    private final long fill;
    private final long checksum;
    /** Most blocks of threads of a launch. */
    private final int mostAcross;

    private final int mostWithin;

    private PageKernels(Gpu gpu, long module) {
        this.gpu = gpu;
        this.module = module;
        copy = function(gpu, module, "kvflux_copy_pages");
        fill = function(gpu, module, "kvflux_fill_pages");
        checksum = function(gpu, module, "kvflux_checksum_pages");
        int multiprocessors = gpu.properties().multiprocessors();
        mostAcross = Math.max(8, multiprocessors / 8);
        mostWithin = Math.max(8, 2 * multiprocessors);
    }

    /**
     * Compiles the kernels for a device.
     *
     * @throws CudaException if the driver refuses, being older than their PTX
     */
    static PageKernels load(Gpu gpu) {
        long module = module(gpu, ptx());
        try {
            return new PageKernels(gpu, module);
        } catch (RuntimeException refused) {
            Driver.cuModuleUnload(module);
            throw refused;
        }
    }

    private static String ptx() {
        try (InputStream in = PageKernels.class.getResourceAsStream("pages.ptx")) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static long module(Gpu gpu, String ptx) {
        byte[] text = ptx.getBytes(StandardCharsets.US_ASCII);
        try (Memory image = new Memory(text.length + 1L)) {
            image.write(0, text, 0, text.length);
            image.setByte(text.length, (byte) 0);
            Scratch scratch = Scratch.get();
            gpu.check(Driver.cuModuleLoadData(scratch.address(), Pointer.nativeValue(image)), "cuModuleLoadData");
            return scratch.getLong(0);
        }
    }

    static long function(Gpu gpu, long module, String name) {
        byte[] text = name.getBytes(StandardCharsets.US_ASCII);
        try (Memory image = new Memory(text.length + 1L)) {
            image.write(0, text, 0, text.length);
            image.setByte(text.length, (byte) 0);
            Scratch scratch = Scratch.get();
            int code = Driver.cuModuleGetFunction(scratch.address(), module, Pointer.nativeValue(image));
            if (code != Cu.CUDA_SUCCESS) {
                throw gpu.failure(code, "cuModuleGetFunction", ", function=" + name);
            }
            return scratch.getLong(0);
        }
    }

    /** Copies pieces between host and device: the link is the limit, and few blocks fill it; the others stay the model's. */
    void copyAcross(long stream, long pairs, int count, long bytes) {
        launch(copy, count, bytes, mostAcross, stream, pairs, count, bytes);
    }

    /** Copies pieces within the device; at pairs stands where each is read and where it is written. */
    void copyWithin(long stream, long pairs, int count, long bytes) {
        launch(copy, count, bytes, mostWithin, stream, pairs, count, bytes);
    }

    /** Fills pieces of one length; at pages stands where each is. */
    void fill(long stream, long pages, int count, long bytes, byte value) {
        launch(fill, count, bytes, mostWithin, stream, pages, count, bytes, Byte.toUnsignedInt(value));
    }

    /** Adds up pieces of one length, each into a sum that is 0 before; at pages stands where each is, at sums where it goes. */
    void checksum(long stream, long pages, int count, long bytes, long sums) {
        launch(checksum, count, bytes, mostWithin, stream, pages, count, bytes, sums);
    }

    private void launch(long function, int count, long bytes, int mostBlocks, long stream, long... arguments) {
        int columns = Math.min(count, mostBlocks);
        long blocksOfPiece = Math.min(MOST_BLOCKS_PER_PIECE, (bytes + BYTES_PER_BLOCK - 1) / BYTES_PER_BLOCK);
        int rows = (int) Math.max(1, Math.min(blocksOfPiece, mostBlocks / columns));
        launch(gpu, function, columns, rows, THREADS, stream, arguments);
    }

    /** Launches any function; every argument fills its first bytes, as the processor writes them. */
    static void launch(Gpu gpu, long function, int gridX, int gridY, int threads, long stream, long... arguments) {
        Scratch scratch = Scratch.get();
        int pointers = Scratch.BYTES / 2;
        for (int i = 0; i < arguments.length; i++) {
            scratch.setLong(i * Long.BYTES, arguments[i]);
            scratch.setLong(pointers + i * Long.BYTES, scratch.address(i * Long.BYTES));
        }
        gpu.check(
                Driver.cuLaunchKernel(
                        function, gridX, gridY, 1, threads, 1, 1, 0, stream, scratch.address(pointers), 0),
                "cuLaunchKernel");
    }

    /** Unloads them; within any context. */
    void close() {
        gpu.run(() -> Driver.cuModuleUnload(module));
    }
}
