package io.kvflux.app;

import io.kvflux.memory.cuda.CudaBandwidth;
import io.kvflux.memory.cuda.CudaException;
import io.kvflux.memory.cuda.CudaProbe;
import io.kvflux.memory.cuda.CudaProperties;
import io.kvflux.memory.cuda.CudaUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the driver and the GPUs on a thread of its own, since a GPU that is broken may not answer at all. It measures those
 * that were asked for, or the first that works.
 */
final class GpuDiagnosis {

    /** What is smaller is left to others by default, so nothing is left for pages. */
    private static final long LITTLE_MEMORY = 512L << 20;

    /**
     * What is known of one GPU.
     *
     * @param bandwidth null if it was not measured
     */
    record Measured(CudaProperties gpu, @Nullable CudaBandwidth bandwidth) {}

    /** JNA tells it with a stack trace when it cannot unpack its library, which is said here too. */
    private static final Logger JNA = Logger.getLogger("com.sun.jna");

    private final List<Integer> asked;
    private final Diagnosis driverPart = new Diagnosis("CUDA driver");
    private final List<Diagnosis> parts = new ArrayList<>(List.of(driverPart));
    private final List<Measured> measured = new ArrayList<>();
    private boolean noDriver;
    private boolean usable;

    /**
     * A diagnosis that is not begun.
     *
     * @param asked the GPUs that must work; empty if KvFlux may do without
     */
    GpuDiagnosis(List<Integer> asked) {
        this.asked = asked;
        JNA.setLevel(Level.OFF);
    }

    /** Looks at all, and returns when that is done, or when nothing has answered for so long. */
    void run(Duration patience) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        Thread thread = new Thread(
                () -> {
                    look();
                    done.countDown();
                },
                "kvflux-doctor");
        thread.setDaemon(true);
        thread.start();
        if (!done.await(patience.toNanos(), TimeUnit.NANOSECONDS)) {
            bad(
                    last(),
                    "answer",
                    "none for " + patience.toSeconds() + " s",
                    "look at nvidia-smi, and for Xid messages of the driver in the kernel's log; restart the machine if a"
                            + " GPU hangs");
        }
    }

    synchronized List<Diagnosis> parts() {
        return List.copyOf(parts);
    }

    synchronized List<Measured> measured() {
        return List.copyOf(measured);
    }

    /** Whether a GPU was used, and what came back from it was right. */
    synchronized boolean usable() {
        return usable;
    }

    /** Whether none is installed. */
    synchronized boolean noDriver() {
        return noDriver;
    }

    private synchronized Diagnosis last() {
        return parts.get(parts.size() - 1);
    }

    private void look() {
        try {
            CudaProbe probe = CudaProbe.load();
            addDriver(probe);
            int devices = probe.devices();
            for (int missing : asked.stream().filter(one -> one >= devices).toList()) {
                driverPart.failure(
                        "cuda:" + missing,
                        "there is no such GPU, GPUs=" + devices,
                        "name one from cuda:0 to cuda:" + (devices - 1)
                                + "; CUDA_VISIBLE_DEVICES chooses what the driver" + " shows");
            }
            for (int ordinal = 0; ordinal < devices; ordinal++) {
                look(probe, ordinal, devices, asked.isEmpty() ? !usable() : asked.contains(ordinal));
            }
        } catch (CudaUnavailableException none) {
            addUnavailable(none);
        } catch (RuntimeException | Error broken) {
            bad(driverPart, "driver", "does not work: " + sentence(broken), "reinstall it");
        }
    }

    private void addUnavailable(CudaUnavailableException none) {
        synchronized (this) {
            noDriver = none.isMissing();
        }
        if (none.isMissing() && asked.isEmpty()) {
            driverPart.ok("driver", sentence(none));
        } else {
            bad(driverPart, "driver", sentence(none), null);
        }
    }

    private void addDriver(CudaProbe probe) {
        driverPart.ok("library", probe.library());
        driverPart.ok("version", probe.version());
        driverPart.ok("virtual memory", probe.virtualMemory() ? "yes" : "no, a newer driver has it: arenas are plain");
        driverPart.ok("memory pools", probe.pools() ? "yes" : "no, a newer driver has them: nothing here needs them");
        driverPart.ok(
                "batches of copies",
                probe.batchedCopies()
                        ? "yes"
                        : "no, drivers since 12.8 have them: a call is made for each run of pages");
    }

    private void look(CudaProbe probe, int ordinal, int devices, boolean measure) {
        Diagnosis part = new Diagnosis("GPU cuda:" + ordinal);
        synchronized (this) {
            parts.add(part);
        }
        try {
            CudaProperties gpu = probe.properties(ordinal);
            addProperties(part, gpu);
            addPeers(part, probe, ordinal, devices);
            CudaBandwidth bandwidth = null;
            if (measure) {
                bandwidth = probe.measure(ordinal);
                addBandwidth(part, bandwidth);
            } else {
                part.ok("measured", "no, --device cuda:" + ordinal + " does that");
            }
            synchronized (this) {
                measured.add(new Measured(gpu, bandwidth));
                usable |= bandwidth != null && bandwidth.wrongPages() == 0 && bandwidth.kernelsRefused() == null;
            }
        } catch (RuntimeException | Error broken) {
            part.add(
                    "state",
                    asked.contains(ordinal) ? Diagnosis.Level.FAILURE : Diagnosis.Level.PROBLEM,
                    "cannot be used: " + sentence(broken),
                    fixOf(broken));
        }
    }

    /** What to do; null where the sentence says it. */
    private static @Nullable String fixOf(Throwable broken) {
        if (!(broken instanceof CudaException refused)) {
            return null;
        }
        return refused.codeName().equals("CUDA_ERROR_OUT_OF_MEMORY")
                ? "end what uses the memory, which nvidia-smi lists; if pinning host memory was refused, raise ulimit -l"
                : "start again; if it stays so, look at nvidia-smi and restart the machine";
    }

    private void addProperties(Diagnosis part, CudaProperties gpu) {
        if (gpu.isStandIn()) {
            part.ok("name", gpu.model() + ": THIS IS NO GPU but host memory, its speeds say nothing");
        } else {
            part.ok("name", gpu.model());
        }
        part.ok("compute capability", gpu.computeCapability());
        part.ok("multiprocessors", Numbers.count(gpu.multiprocessors()));
        part.ok("copy engines", Numbers.count(gpu.copyEngines()));
        String memory =
                MachineDiagnosis.size(gpu.totalBytes()) + ", " + MachineDiagnosis.size(gpu.freeBytes()) + " free";
        if (gpu.freeBytes() < LITTLE_MEMORY) {
            bad(part, "memory", memory + ", too little for pages", "end what uses it, which nvidia-smi lists");
        } else {
            part.ok("memory", memory);
        }
        part.ok("virtual memory", gpu.virtualMemory() ? "yes" : "no: arenas are plain allocations");
    }

    private static void addPeers(Diagnosis part, CudaProbe probe, int ordinal, int devices) {
        if (devices > 1) {
            List<String> peers = IntStream.range(0, devices)
                    .filter(other -> other != ordinal && probe.reaches(ordinal, other))
                    .mapToObj(other -> "cuda:" + other)
                    .toList();
            part.ok(
                    "peers",
                    peers.isEmpty() ? "none: copies between GPUs go through the host" : String.join(" ", peers));
        }
    }

    private void addBandwidth(Diagnosis part, CudaBandwidth measured) {
        if (measured.kernelsRefused() == null) {
            part.ok("kernels", "load");
        } else {
            bad(
                    part,
                    "kernels",
                    "do not load: " + measured.kernelsRefused(),
                    "install a newer driver, or open devices with KernelUse.OFF");
        }
        Double mapped = measured.mappedAllocationSeconds();
        part.ok(
                "allocation",
                "plain " + Numbers.seconds(measured.plainAllocationSeconds())
                        + (mapped == null ? "" : ", mapped " + Numbers.seconds(mapped)) + ", of "
                        + MachineDiagnosis.size(measured.bytes()));
        part.ok(
                "one pinned copy",
                "up " + gigabytes(measured.upBytesPerSecond()) + ", down " + gigabytes(measured.downBytesPerSecond())
                        + ", of " + MachineDiagnosis.size(measured.bytes()));
        for (CudaBandwidth.Pages pages : measured.pages()) {
            part.ok(
                    "pages of " + MachineDiagnosis.size(pages.pageBytes()),
                    String.format(
                            Locale.ROOT,
                            "up %.2f, down %.2f of that, %s",
                            pages.upBytesPerSecond() / measured.upBytesPerSecond(),
                            pages.downBytesPerSecond() / measured.downBytesPerSecond(),
                            pages.kernels() ? "by kernels" : "by copy engines"));
        }
        if (measured.wrongPages() == 0) {
            part.ok("checksums", "all pages came back as they were sent");
        } else {
            part.failure(
                    "checksums",
                    Numbers.count(measured.wrongPages()) + " pages came back with other bytes",
                    "do not use this GPU: look for Xid messages in the kernel's log, and test its memory");
        }
    }

    private static String gigabytes(double bytesPerSecond) {
        return String.format(Locale.ROOT, "%.1f GB/s", bytesPerSecond / 1e9);
    }

    /** A failure where a GPU was asked for, else a problem. */
    private void bad(Diagnosis part, String name, String text, @Nullable String fix) {
        part.add(name, asked.isEmpty() ? Diagnosis.Level.PROBLEM : Diagnosis.Level.FAILURE, text, fix);
    }

    private static String sentence(Throwable broken) {
        return broken.getMessage() == null ? broken.toString() : broken.getMessage();
    }
}
