package io.kvflux.memory.cuda;

/** A call of the CUDA driver failed. */
public final class CudaException extends RuntimeException {

    private final String call;
    private final int code;
    private final String codeName;

    CudaException(String call, int code, String codeName, String text, String operands) {
        super(call + " failed with " + codeName + " (" + code + "): " + text
                + (operands.isEmpty() ? "" : ", " + operands));
        this.call = call;
        this.code = code;
        this.codeName = codeName;
    }

    /**
     * An exception for a code that is not success.
     *
     * @param operands what the call was about, such as {@code device=0, bytes=4096}; may be empty
     */
    static CudaException of(String call, int code, String operands) {
        return new CudaException(call, code, CudaDriver.nameOf(code), CudaDriver.textOf(code), operands);
    }

    /** Throws unless the code is success. */
    static void check(int code, String call) {
        if (code != Cu.CUDA_SUCCESS) {
            throw of(call, code, "");
        }
    }

    /** {@return the function of the driver} */
    public String call() {
        return call;
    }

    /** {@return the CUresult that it gave} */
    public int code() {
        return code;
    }

    /** {@return the code's name, such as CUDA_ERROR_OUT_OF_MEMORY} */
    public String codeName() {
        return codeName;
    }
}
