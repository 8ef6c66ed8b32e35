package io.kvflux.selftest;

import io.kvflux.api.Step;
import io.kvflux.geometry.DType;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.PageArena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * KV of one entry of a step in the pages of a scheduler. It writes where {@link Step#block} says and reads where the lookup
 * table of {@link Step#inputs} says, as a kernel would, so both have to be right. For one thread; reused from entry to entry.
 *
 * <p>Within a page stand the parts, in each the layers, in each the slots, in each the shard's heads: offset of a row =
 * ((part · layers + layer) · pageSize + slot) · row.
 */
final class PagedCache implements KvStore {

    /** What poisonOnRelease fills blocks with. */
    static final byte POISON = (byte) 0xFF;

    private final BlockArenas memory;
    private final int cache;
    private final int shards;
    private final int parts;
    private final int layers;
    private final int pageSize;
    private final int width;
    private final boolean halves;
    private final int valueBytes;
    private final @Nullable Attention attention;
    private final byte[] rowBytes;
    private final ShortBuffer rowShorts;
    private final byte[] pageBytes;
    private final ShortBuffer pageShorts;

    private @Nullable Step step;
    private int replica;
    private int entry;
    private int[] table = {};
    private int firstCell;

    /**
     * The pages of one cache.
     *
     * @param cache index of the cache
     * @param shards devices over which a replica's heads are split
     * @param place where the model attends to the pages
     */
    PagedCache(BlockArenas memory, int cache, ReferenceShape shape, int pageSize, int shards, AttentionPlace place) {
        this.memory = memory;
        this.cache = cache;
        this.shards = shards;
        this.pageSize = pageSize;
        parts = shape.parts();
        layers = shape.layers();
        width = shape.rowWidth(shards);
        halves = shape.dtype() == DType.BFLOAT16;
        valueBytes = halves ? Short.BYTES : Float.BYTES;
        rowBytes = new byte[width * valueBytes];
        rowShorts = shorts(rowBytes);
        pageBytes = new byte[pageSize * width * valueBytes];
        pageShorts = shorts(pageBytes);
        attention = place.over(this, shape);
    }

    private static ShortBuffer shorts(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asShortBuffer();
    }

    /** Turns to an entry of a step. */
    void turnTo(Step of, int ofReplica, int ofEntry) {
        step = of;
        replica = ofReplica;
        entry = ofEntry;
        table = of.inputs().lookupTable(ofReplica);
        firstCell = (ofEntry - of.firstEntry(ofReplica)) * of.inputs().maxNumPages(ofReplica);
    }

    @Override
    public int shards() {
        return shards;
    }

    @Override
    public void write(int shard, int part, int layer, int from, int count, float[] rows) {
        PageArena arena = memory.arena(cache, replica, shard);
        for (int i = 0; i < count; i++) {
            int position = from + i;
            int page = Objects.requireNonNull(step).block(entry, position / pageSize);
            long offset = offset(part, layer, position % pageSize);
            if (halves) {
                for (int j = 0; j < width; j++) {
                    rowShorts.put(j, Bf16.of(rows[i * width + j]));
                }
                arena.write(page, offset, rowBytes);
            } else {
                arena.write(page, offset, rows, i * width, width);
            }
        }
    }

    @Override
    public void read(int shard, int part, int layer, int length, float[] into) {
        PageArena arena = memory.arena(cache, replica, shard);
        long offset = offset(part, layer, 0);
        for (int from = 0; from < length; from += pageSize) {
            int page = block(from / pageSize);
            int count = Math.min(pageSize, length - from) * width;
            if (halves) {
                arena.read(page, offset, pageBytes);
                for (int j = 0; j < count; j++) {
                    into[from * width + j] = Bf16.toFloat(pageShorts.get(j));
                }
            } else {
                arena.read(page, offset, into, from * width, count);
            }
        }
    }

    @Override
    public @Nullable Attention attention() {
        return attention;
    }

    /** {@return the arena that a kernel finds the pages in} */
    PageArena pages(int shard) {
        return memory.arena(cache, replica, shard);
    }

    /** {@return a cell of the lookup table: the block of a page of the entry} */
    int block(int page) {
        return table[firstCell + page];
    }

    /** {@return tokens in a page} */
    int pageSize() {
        return pageSize;
    }

    /** Whether slots hold nothing but the poison, seen at their first rows on every shard. */
    boolean isFresh(int from, int count) {
        for (int shard = 0; shard < shards; shard++) {
            PageArena arena = memory.arena(cache, replica, shard);
            for (int position = from; position < from + count; position++) {
                int page = Objects.requireNonNull(step).block(entry, position / pageSize);
                arena.read(page, offset(0, 0, position % pageSize), rowBytes);
                for (byte each : rowBytes) {
                    if (each != POISON) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    void garble(int from, int count) {
        float[] rows = new float[count * width];
        Arrays.fill(rows, Float.NaN);
        for (int shard = 0; shard < shards; shard++) {
            for (int part = 0; part < parts; part++) {
                for (int layer = 0; layer < layers; layer++) {
                    write(shard, part, layer, from, count, rows);
                }
            }
        }
    }

    /** {@return where in a page a row begins, in bytes} */
    long offset(int part, int layer, int slot) {
        return (((long) part * layers + layer) * pageSize + slot) * width * valueBytes;
    }
}
