package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Callback;
import com.sun.jna.CallbackReference;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Functions of the driver that are bound for engines and checks, and that the device itself does without. */
@ExtendWith(StandIn.class)
class DriverTest {

    private Gpu gpu;
    private final Scratch scratch = Scratch.get();

    /** CUhostFn. */
    interface HostFunction extends Callback {

        void invoke(long userData);
    }

    @BeforeEach
    void open() {
        gpu = Gpu.open(CudaDriver.load(), 0);
        gpu.enter();
    }

    @AfterEach
    void close() {
        gpu.leave();
        gpu.close();
    }

    @Test
    void allocatesInTheOrderOfAStream() {
        long stream = gpu.stream(Gpu.WITHIN);
        gpu.check(DriverPools.cuMemAllocAsync(scratch.address(), 1 << 20, stream), "cuMemAllocAsync");
        long address = scratch.getLong(0);
        gpu.check(Driver.cuMemsetD8Async(address, (byte) 5, 1 << 20, stream), "cuMemsetD8Async");
        gpu.check(Driver.cuStreamSynchronize(stream), "cuStreamSynchronize");
        byte[] last = new byte[2];
        gpu.staging().read(() -> address + (1 << 20) - 2, last);
        assertThat(last).containsExactly(5, 5);
        gpu.check(DriverPools.cuMemFreeAsync(address, stream), "cuMemFreeAsync");
        gpu.check(Driver.cuStreamSynchronize(stream), "cuStreamSynchronize");
        assertThat(StandIn.live("allocations")).isZero();
    }

    @Test
    void timesWhatRunsBetweenTwoEvents() {
        StandIn.script("late 2000");
        long from = event();
        long to = event();
        long stream = gpu.stream(Gpu.UP);
        gpu.check(Driver.cuEventRecord(from, stream), "cuEventRecord");
        gpu.check(Driver.cuEventRecord(to, stream), "cuEventRecord");
        gpu.check(Driver.cuEventSynchronize(to), "cuEventSynchronize");
        gpu.check(Driver.cuEventElapsedTime(scratch.address(), from, to), "cuEventElapsedTime");
        assertThat(scratch.getFloat(0)).isGreaterThanOrEqualTo(1.9f);
        gpu.check(Driver.cuEventDestroy_v2(from), "cuEventDestroy_v2");
        gpu.check(Driver.cuEventDestroy_v2(to), "cuEventDestroy_v2");
    }

    private long event() {
        gpu.check(Driver.cuEventCreate(scratch.address(), Cu.CU_EVENT_DEFAULT), "cuEventCreate");
        return scratch.getLong(0);
    }

    @Test
    void callsAHostFunctionOnAThreadOfItsOwn() {
        AtomicLong told = new AtomicLong();
        HostFunction function = told::set;
        Pointer address = CallbackReference.getFunctionPointer(function);
        long stream = gpu.stream(Gpu.DOWN);
        gpu.check(Driver.cuLaunchHostFunc(stream, Pointer.nativeValue(address), 42), "cuLaunchHostFunc");
        gpu.check(Driver.cuStreamSynchronize(stream), "cuStreamSynchronize");
        assertThat(told).hasValue(42);
    }

    @Test
    void setsAndShowsTheContextOfAThread() {
        gpu.check(Driver.cuCtxSetCurrent(0), "cuCtxSetCurrent");
        gpu.check(Driver.cuCtxGetCurrent(scratch.address()), "cuCtxGetCurrent");
        assertThat(scratch.getLong(0)).isZero();
        gpu.check(Driver.cuCtxSetCurrent(gpu.context()), "cuCtxSetCurrent");
        gpu.check(Driver.cuCtxGetCurrent(scratch.address()), "cuCtxGetCurrent");
        assertThat(scratch.getLong(0)).isEqualTo(gpu.context());
    }

    @Test
    void anErrorNamesCallCodeTextAndOperands() {
        assertThatThrownBy(() -> PlainMemory.allocate(gpu, 1L << 50))
                .isInstanceOfSatisfying(CudaException.class, refused -> {
                    assertThat(refused.call()).isEqualTo("cuMemAlloc_v2");
                    assertThat(refused.code()).isEqualTo(2);
                    assertThat(refused.codeName()).isEqualTo("CUDA_ERROR_OUT_OF_MEMORY");
                })
                .hasMessage("cuMemAlloc_v2 failed with CUDA_ERROR_OUT_OF_MEMORY (2): out of memory, device=0, bytes="
                        + (1L << 50));
        assertThat(CudaException.of("cuNothing", 12345, "").getMessage())
                .isEqualTo("cuNothing failed with an error unknown to the driver (12345): no text");
    }

    @Test
    void batchesAsADriverOfVersion12HasThem() {
        Native.register(DriverBatches12.class, NativeLibrary.getInstance(StandIn.LIBRARY.toString()));
        PlainMemory memory = PlainMemory.allocate(gpu, 64);
        Issuer issuer = Issuer.open(gpu, CudaDriver.Batches.SINCE_12, KernelUse.OFF);
        gpu.staging().write(memory::address, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
        CopyList two = new CopyList();
        two.add(memory.address(), 0, memory.address() + 36, 0, 4, 1);
        two.add(memory.address() + 4, 0, memory.address() + 32, 0, 4, 1);
        long calls = StandIn.calls("cuMemcpyBatchAsync");
        issuer.copy(Issuer.Kind.WITHIN, two, true, 0, new CudaJob(1));
        gpu.synchronize(gpu.stream(Gpu.WITHIN));
        byte[] copied = new byte[8];
        gpu.staging().read(() -> memory.address() + 32, copied);
        assertThat(copied).containsExactly(5, 6, 7, 8, 1, 2, 3, 4);
        assertThat(StandIn.calls("cuMemcpyBatchAsync") - calls).isEqualTo(1);
        issuer.close();
        memory.free();
    }
}
