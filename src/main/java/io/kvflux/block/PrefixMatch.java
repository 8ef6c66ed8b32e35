package io.kvflux.block;

import java.util.Arrays;

/**
 * The reusable start of a prompt as the index knows it now. A flyweight: filled by {@link BlockPool#match}, valid until
 * the pool changes. Matching changes nothing.
 */
public final class PrefixMatch {

    int[] ids = new int[16];
    int pages;
    /** The run that holds the last matched page, or the root. */
    int run;
    /** Matched pages of that run. */
    int pagesOfRun;

    int cachedPages;
    /** What was asked for. */
    int[] tokens = new int[0];

    PageKeys keys = PageKeys.none();
    int maxPages;

    /** A match of nothing. */
    public PrefixMatch() {}

    /** {@return matched pages, each full} */
    public int pages() {
        return pages;
    }

    /** {@return of those, the pages that nobody holds: taking them costs as many available blocks} */
    public int cachedPages() {
        return cachedPages;
    }

    /**
     * The block of a matched page.
     *
     * @param page in [0, {@link #pages()})
     * @return its block id
     */
    public int block(int page) {
        if (page < 0 || page >= pages) {
            throw new IndexOutOfBoundsException("page must be in [0, pages), page=" + page + ", pages=" + pages);
        }
        return ids[page];
    }

    void reset(int root) {
        maxPages = 0;
        pages = 0;
        run = root;
        pagesOfRun = 0;
        cachedPages = 0;
    }

    void ask(int[] prompt, int most, PageKeys itsKeys) {
        tokens = prompt;
        maxPages = most;
        keys = itsKeys;
    }

    void add(int block) {
        if (pages == ids.length) {
            ids = Arrays.copyOf(ids, pages * 2);
        }
        ids[pages++] = block;
    }
}
