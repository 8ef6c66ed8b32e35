package io.kvflux.memory.cuda;

/** A kernel of a device. */
public interface CudaKernel {

    /**
     * Runs it, and waits until it has run.
     *
     * @param gridX columns of blocks
     * @param gridY rows of blocks
     * @param blockX threads of a block
     * @param arguments one for each parameter
     */
    void launch(int gridX, int gridY, int blockX, long... arguments);
}
