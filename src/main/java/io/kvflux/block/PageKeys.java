package io.kvflux.block;

import io.kvflux.api.MediaItem;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What identifies the pages of one prompt beside their tokens: the media items that each page overlaps, in order. A
 * page that no item overlaps has no key. Immutable.
 */
public final class PageKeys {

    private static final PageKeys EMPTY = new PageKeys(new Object[0]);

    /** Per page: null, or the list of content hashes (as read-only buffers, which compare by content). */
    private final @Nullable Object[] keys;

    private PageKeys(@Nullable Object[] keys) {
        this.keys = keys;
    }

    /** {@return the keys of a prompt without media} */
    public static PageKeys none() {
        return EMPTY;
    }

    /**
     * The keys of a prompt.
     *
     * @param media its media items, in any order
     * @param pageSize tokens in a page
     * @return the keys of its pages
     * @throws IllegalArgumentException if pageSize is not positive
     */
    public static PageKeys of(List<MediaItem> media, int pageSize) {
        if (pageSize <= 0) {
            throw new IllegalArgumentException("pageSize must be positive, pageSize=" + pageSize);
        }
        if (media.isEmpty()) {
            return EMPTY;
        }
        List<MediaItem> ordered = new ArrayList<>(media);
        ordered.sort(Comparator.comparingInt(MediaItem::offset));
        int end = ordered.stream().mapToInt(MediaItem::end).max().orElseThrow();
        @Nullable Object[] keys = new Object[(end - 1) / pageSize + 1];
        for (int page = 0; page < keys.length; page++) {
            keys[page] = key(ordered, (long) page * pageSize, (page + 1L) * pageSize);
        }
        return new PageKeys(keys);
    }

    private static @Nullable Object key(List<MediaItem> ordered, long start, long end) {
        List<ByteBuffer> hashes = new ArrayList<>();
        for (MediaItem item : ordered) {
            if (item.offset() < end && item.end() > start) {
                hashes.add(ByteBuffer.wrap(item.contentHash()).asReadOnlyBuffer());
            }
        }
        return hashes.isEmpty() ? null : List.copyOf(hashes);
    }

    /** The content hashes in a key, in order. */
    @SuppressWarnings("unchecked")
    static List<ByteBuffer> contentHashes(Object key) {
        return (List<ByteBuffer>) key;
    }

    /**
     * The key of one page.
     *
     * @param page page of the prompt, from 0
     * @return an object that equals the key of another page exactly when they overlap the same content in the same
     *     order, or null when no item overlaps the page
     */
    public @Nullable Object key(int page) {
        return page < keys.length ? keys[page] : null;
    }
}
