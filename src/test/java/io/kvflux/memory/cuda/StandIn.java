package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Library;
import com.sun.jna.Native;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The stand-in of the driver as the driver of this process: native-stubs/README.md says what its scripts can. One a process,
 * as the driver is.
 */
public final class StandIn implements BeforeEachCallback, AfterEachCallback {

    /** Where the build puts it. */
    public static final Path LIBRARY =
            Path.of("target", "native-stubs", "libcuda.so.1").toAbsolutePath();

    /** native-stubs/control.h. */
    private interface Control extends Library {

        @Nullable
        String kvflux_stub_script(String script);

        void kvflux_stub_reset();

        long kvflux_stub_live(String kind);

        String kvflux_stub_violations();

        long kvflux_stub_calls(String function);

        int kvflux_stub_release(int operations);
    }

    private static @Nullable Control control;

    /** Makes it the driver, as it was when the process began; skips the test, loudly, where it was not built. */
    @Override
    public void beforeEach(ExtensionContext context) {
        begin();
    }

    private static synchronized void begin() {
        boolean built = Files.exists(LIBRARY);
        if (!built) {
            System.err.println("NOT RUN: the stand-in of the CUDA driver was not built, for want of a C compiler");
        }
        assumeTrue(built, "the stand-in of the CUDA driver was not built");
        System.setProperty(CudaDriver.LIBRARY, LIBRARY.toString());
        if (control == null) {
            control = Native.load(LIBRARY.toString(), Control.class);
        }
        lenient("strict");
    }

    /** Begins again, for a test that does what a driver only minds when it is strict. */
    public static void lenient(String commands) {
        control().kvflux_stub_reset();
        script(commands);
    }

    private static Control control() {
        return Objects.requireNonNull(control);
    }

    /** After all that a test closes: nothing lives any more, and nothing was done that a driver forbids. */
    @Override
    public void afterEach(ExtensionContext context) {
        if (control != null) {
            long live = live("all");
            String violations = control().kvflux_stub_violations();
            control().kvflux_stub_reset();
            assertThat(violations).isEmpty();
            assertThat(live).as("live objects of the driver").isZero();
        }
    }

    /** Runs commands. */
    public static void script(String commands) {
        assertThat(control().kvflux_stub_script(commands)).isNull();
    }

    /** Objects of a kind. */
    public static long live(String kind) {
        long live = control().kvflux_stub_live(kind);
        assertThat(live).isNotNegative();
        return live;
    }

    /** Calls of a function. */
    public static long calls(String function) {
        long calls = control().kvflux_stub_calls(function);
        assertThat(calls).isNotNegative();
        return calls;
    }

    /** Lets operations run that are held; -1 for all. */
    public static int release(int operations) {
        return control().kvflux_stub_release(operations);
    }
}
