package io.kvflux.tier;

import java.util.Arrays;

/**
 * What the host holds of a prompt beyond what its device holds. A flyweight: filled by {@link Tiers#match}, valid until
 * the tiers change. Matching changes nothing.
 */
public final class HostMatch {

    int[] slots = new int[16];
    int pages;

    /** A match of nothing. */
    public HostMatch() {}

    /** {@return matched pages, which follow those matched on the device} */
    public int pages() {
        return pages;
    }

    /**
     * Where a page is.
     *
     * @param page in [0, {@link #pages()})
     * @return its slot
     */
    public int slot(int page) {
        if (page < 0 || page >= pages) {
            throw new IndexOutOfBoundsException("page must be in [0, pages), page=" + page + ", pages=" + pages);
        }
        return slots[page];
    }

    /** Forgets the match. */
    public void clear() {
        pages = 0;
    }

    void add(int slot) {
        if (pages == slots.length) {
            slots = Arrays.copyOf(slots, pages * 2);
        }
        slots[pages++] = slot;
    }
}
