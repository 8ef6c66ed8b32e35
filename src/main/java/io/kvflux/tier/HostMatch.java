package io.kvflux.tier;

import io.kvflux.api.BlockHash;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What host and disk hold of a prompt beyond what its device holds. A flyweight: filled by {@link Tiers#match}, valid until
 * the tiers change. Matching changes nothing.
 */
public final class HostMatch {

    /** By page: the slot of the host, or none. */
    int[] slots = new int[16];
    /** By page that no slot of the host has: the slot of the disk, and the page's name. */
    int[] diskSlots = new int[16];

    @Nullable
    BlockHash[] names = new BlockHash[16];

    int pages;
    /** Of those, the ones on the disk. */
    int onDisk;

    /** A match of nothing. */
    public HostMatch() {}

    /** {@return matched pages, which follow those matched on the device} */
    public int pages() {
        return pages;
    }

    /**
     * Where a page is on the host.
     *
     * @param page in [0, {@link #pages()})
     * @return its slot, or {@link Tiers#NO_SLOT} if it is on the disk
     */
    public int slot(int page) {
        if (page < 0 || page >= pages) {
            throw new IndexOutOfBoundsException("page must be in [0, pages), page=" + page + ", pages=" + pages);
        }
        return slots[page];
    }

    /** Forgets the match. */
    public void clear() {
        Arrays.fill(names, 0, pages, null);
        pages = 0;
        onDisk = 0;
    }

    /**
     * Whether a page is on the disk, not on the host.
     *
     * @param page in [0, {@link #pages()})
     * @return true if it has first to be brought to the host
     */
    public boolean isOnDisk(int page) {
        return names[page] != null;
    }

    /**
     * Where a page is on the disk.
     *
     * @param page one that {@link #isOnDisk}
     * @return its slot there
     */
    public int diskSlot(int page) {
        return diskSlots[page];
    }

    /**
     * What a page is called on the disk.
     *
     * @param page one that {@link #isOnDisk}
     * @return its name
     */
    public BlockHash name(int page) {
        return Objects.requireNonNull(names[page]);
    }

    /** {@return of the matched pages, those on the disk} */
    public int pagesOnDisk() {
        return onDisk;
    }

    /**
     * Forgets the last pages.
     *
     * @param to pages that stay, if there are more
     */
    public void truncate(int to) {
        while (pages > to) {
            pages--;
            onDisk -= isOnDisk(pages) ? 1 : 0;
            names[pages] = null;
        }
    }

    void add(int slot) {
        if (pages == slots.length) {
            slots = Arrays.copyOf(slots, pages * 2);
            diskSlots = Arrays.copyOf(diskSlots, pages * 2);
            names = Arrays.copyOf(names, pages * 2);
        }
        slots[pages++] = slot;
    }

    void addOnDisk(int diskSlot, BlockHash name) {
        add(Tiers.NO_SLOT);
        diskSlots[pages - 1] = diskSlot;
        names[pages - 1] = name;
        onDisk++;
    }
}
