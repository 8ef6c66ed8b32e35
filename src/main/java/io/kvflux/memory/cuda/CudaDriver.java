package io.kvflux.memory.cuda;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The driver of this process: found and bound once, when somebody first asks for it and never by itself.
 *
 * @param library what it was loaded from
 * @param version 1000 · major + 10 · minor, such as 12080
 * @param virtualMemory whether it manages virtual memory
 * @param pools whether it allocates in the order of a stream
 * @param batches how it takes many copies at once
 */
record CudaDriver(String library, int version, boolean virtualMemory, boolean pools, Batches batches) {

    /** How a driver takes many copies in one call. */
    enum Batches {
        NONE,
        SINCE_12,
        SINCE_13
    }

    /** Names the library, or says where it is, in place of the names it has by custom. */
    static final String LIBRARY = "kvflux.cuda.library";

    /** 11.2: whose memory is mapped and whose PTX is what the kernels are written in. */
    private static final int OLDEST = 11_020;

    private static final String WSL = "/usr/lib/wsl/lib/libcuda.so.1";

    private static @Nullable CudaDriver bound;

    /**
     * Loads the driver unless that was done, and starts it.
     *
     * @throws CudaUnavailableException if there is none, or it is not one that can be used; the next call tries again
     */
    static synchronized CudaDriver load() {
        if (bound == null) {
            NativeLibrary library = open();
            bind(library, Driver.class);
            start(fileOf(library));
            bound = describe(library);
        } else {
            start(bound.library);
        }
        return bound;
    }

    private static NativeLibrary open() {
        requireJna();
        String asked = System.getProperty(LIBRARY);
        List<String> names = new ArrayList<>();
        if (asked != null) {
            names.add(isFile(asked) ? new File(asked).getAbsolutePath() : asked);
        } else if (Platform.isWindows()) {
            names.add("nvcuda");
        } else {
            names.add("libcuda.so.1");
            names.add(WSL);
        }
        UnsatisfiedLinkError first = null;
        for (String name : names) {
            try {
                return NativeLibrary.getInstance(name);
            } catch (UnsatisfiedLinkError missing) {
                first = first == null ? missing : first;
            }
        }
        if (asked != null) {
            throw new CudaUnavailableException(
                    "the library of the CUDA driver that -D" + LIBRARY + " names cannot be loaded, library=" + asked
                            + ": " + reason(first) + "; name another, or none for the one that is installed",
                    first);
        }
        throw new CudaUnavailableException(
                "there is no CUDA driver here, looked for=" + String.join(" and ", names)
                        + ": install the driver of the GPU, or name its library with -D" + LIBRARY + "=FILE",
                first,
                true);
    }

    /** The library behind JNA, which it unpacks into a folder when it is first used. */
    private static void requireJna() {
        try {
            if (Native.POINTER_SIZE != Long.BYTES) {
                throw new CudaUnavailableException("the CUDA driver needs a JVM of 64 bits", null);
            }
        } catch (LinkageError refused) {
            throw new CudaUnavailableException(
                    "the CUDA driver cannot be called, since JNA does not load: " + reason(refused)
                            + "; name a folder with -Djna.tmpdir=FOLDER that can be written to and is not mounted"
                            + " noexec, and is not full",
                    refused);
        }
    }

    private static String fileOf(NativeLibrary library) {
        return library.getFile() == null ? library.getName() : library.getFile().toString();
    }

    private static boolean isFile(String library) {
        return library.indexOf('/') >= 0 || library.indexOf(File.separatorChar) >= 0;
    }

    private static void bind(NativeLibrary library, Class<?> set) {
        try {
            Native.register(set, library);
        } catch (UnsatisfiedLinkError missing) {
            throw new CudaUnavailableException(
                    "the library lacks what every CUDA driver has, library=" + fileOf(library) + ": "
                            + firstLine(missing) + "; install a driver of version " + versionText(OLDEST) + " or newer",
                    missing);
        }
    }

    private static boolean bindIfThere(NativeLibrary library, Class<?> set) {
        try {
            Native.register(set, library);
            return true;
        } catch (UnsatisfiedLinkError older) {
            return false;
        }
    }

    private static CudaDriver describe(NativeLibrary library) {
        Scratch scratch = Scratch.get();
        CudaException.check(Driver.cuDriverGetVersion(scratch.address()), "cuDriverGetVersion");
        int version = scratch.getInt(0);
        if (version < OLDEST) {
            throw new CudaUnavailableException(
                    "the CUDA driver is too old, version=" + versionText(version) + ": install " + versionText(OLDEST)
                            + " or newer",
                    null);
        }
        return new CudaDriver(
                fileOf(library),
                version,
                bindIfThere(library, DriverVirtualMemory.class),
                bindIfThere(library, DriverPools.class),
                bindIfThere(library, DriverBatches13.class)
                        ? Batches.SINCE_13
                        : bindIfThere(library, DriverBatches12.class) ? Batches.SINCE_12 : Batches.NONE);
    }

    private static void start(String library) {
        int code = Driver.cuInit(0);
        if (code == Cu.CUDA_ERROR_NO_DEVICE) {
            throw new CudaUnavailableException(
                    "the CUDA driver sees no device, library=" + library
                            + ": check nvidia-smi and CUDA_VISIBLE_DEVICES, or run on host memory",
                    null);
        }
        if (code == Cu.CUDA_ERROR_NOT_INITIALIZED) {
            throw new CudaUnavailableException(
                    "the CUDA driver does not work in a process that was forked after the driver was started: start a"
                            + " new process in place of the fork",
                    CudaException.of("cuInit", code, ""));
        }
        if (code != Cu.CUDA_SUCCESS) {
            throw new CudaUnavailableException(
                    "the CUDA driver does not start, library=" + library + ": " + nameOf(code) + " (" + code + "), "
                            + textOf(code) + "; check nvidia-smi, and that driver and kernel module are of one version",
                    CudaException.of("cuInit", code, ""));
        }
    }

    /** {@return how many devices there are} */
    int devices() {
        Scratch scratch = Scratch.get();
        CudaException.check(Driver.cuDeviceGetCount(scratch.address()), "cuDeviceGetCount");
        return scratch.getInt(0);
    }

    /** {@return the version as its maker writes it, such as 12.8} */
    String versionText() {
        return versionText(version);
    }

    private static String versionText(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }

    /** The name of a code, such as CUDA_ERROR_OUT_OF_MEMORY. */
    static String nameOf(int code) {
        Scratch scratch = Scratch.get().clear(Long.BYTES);
        boolean known = Driver.cuGetErrorName(code, scratch.address()) == Cu.CUDA_SUCCESS;
        return known ? scratch.textAt(0) : "an error unknown to the driver";
    }

    /** What the driver says of a code. */
    static String textOf(int code) {
        Scratch scratch = Scratch.get().clear(Long.BYTES);
        boolean known = Driver.cuGetErrorString(code, scratch.address()) == Cu.CUDA_SUCCESS;
        return known ? scratch.textAt(0) : "no text";
    }

    /** What the system said, without what JNA looked for besides. */
    private static String reason(@Nullable Throwable error) {
        return error == null
                ? ""
                : String.valueOf(error.getMessage())
                        .lines()
                        .filter(line -> !line.startsWith("Unable to load library"))
                        .findFirst()
                        .orElse("");
    }

    private static String firstLine(Throwable error) {
        return String.valueOf(error.getMessage()).lines().findFirst().orElse("");
    }
}
