package io.kvflux.memory;

/** Pages over the bytes of a device, and the place where pages and liveness are checked. */
final class DeviceArena implements PageArena {

    private final AbstractDeviceMemory device;
    private final ArenaSpec spec;
    private final DeviceBytes bytes;
    private volatile boolean closed;

    DeviceArena(AbstractDeviceMemory device, ArenaSpec spec, DeviceBytes bytes) {
        this.device = device;
        this.spec = spec;
        this.bytes = bytes;
    }

    @Override
    public ArenaSpec spec() {
        return spec;
    }

    @Override
    public long address() {
        return bytes().address();
    }

    @Override
    public void read(int page, long offset, byte[] target, int targetOffset, int length) {
        bytes().read(spec.position(page, offset, length), target, targetOffset, length);
    }

    @Override
    public void write(int page, long offset, byte[] source, int sourceOffset, int length) {
        bytes().write(spec.position(page, offset, length), source, sourceOffset, length);
    }

    @Override
    public void readFloats(int page, long offset, float[] target, int targetOffset, int length) {
        long position = spec.position(page, offset, (long) length * Float.BYTES);
        bytes().readFloats(position, target, targetOffset, length);
    }

    @Override
    public void writeFloats(int page, long offset, float[] source, int sourceOffset, int length) {
        long position = spec.position(page, offset, (long) length * Float.BYTES);
        bytes().writeFloats(position, source, sourceOffset, length);
    }

    @Override
    public void zero(int first, int count) {
        spec.checkPages(first, count);
        bytes().zero(first * strideBytes(), count * strideBytes());
    }

    @Override
    public void copy(int source, int destination, int count) {
        spec.checkPages(source, count);
        spec.checkPages(destination, count);
        bytes().copy(source * strideBytes(), destination * strideBytes(), count * strideBytes());
    }

    @Override
    public void close() {
        device.close(this);
    }

    void release() {
        closed = true;
        bytes.release();
    }

    boolean isClosed() {
        return closed;
    }

    DeviceBytes bytes() {
        if (closed) {
            throw new IllegalStateException("arena must be open, device=" + device.name() + ", arena=" + spec);
        }
        return bytes;
    }

    @Override
    public String toString() {
        return "PageArena[" + spec + " on " + device.name() + (closed ? ", closed]" : "]");
    }
}
