package io.kvflux.tier.connector;

/**
 * Why a transfer of the store ended before a page: because of that page, and not because something failed. What ends with
 * another exception says nothing of the page.
 */
public final class StoreException extends RuntimeException {

    private StoreException(String message) {
        super(message);
    }

    /**
     * A page was not stored.
     *
     * @param slot of the store
     * @return there is no room for it
     */
    public static StoreException noRoom(int slot) {
        return new StoreException("the store has no room for a page, slot=" + slot);
    }

    /**
     * A page was not fetched.
     *
     * @param slot of the store
     * @return it is not there, not under that name, or not as it was written
     */
    public static StoreException notFound(int slot) {
        return new StoreException("the store has not got a page, or not as it was written, slot=" + slot);
    }
}
