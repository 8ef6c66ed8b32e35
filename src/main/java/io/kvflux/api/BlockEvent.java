package io.kvflux.api;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes findable in the cache, and what no longer is. Numbers rise by one from one event to the next of a
 * scheduler; a subscriber's stream begins with a {@link Snapshot}, and has a {@link Dropped} in place of what it was too
 * slow for. Replaying a snapshot and what follows it gives exactly the set of findable blocks, tier by tier.
 *
 * <p>A prompt hits the pages of one replica's device from its first page on, and from there on those of host or disk, up
 * to the first page that neither has. A page of a device is never findable without the one before it; the host and the
 * disk may have a page whose predecessor is elsewhere, or gone.
 */
public sealed interface BlockEvent {

    /** In place of a replica: the host and the disk belong to all of them. */
    int ALL_REPLICAS = -1;

    /** {@return the event's number; of a snapshot the number of the last event in it, of a notice that of the last lost} */
    long number();

    /**
     * Pages became findable; they follow each other. A disk keeps the names of its pages and nothing else about them, so for
     * {@link Tier#DISK} parent, salt and adapter are null, there are no tokens, and the pages are in no order.
     *
     * @param number the event's number
     * @param replica the data-parallel replica that has them, or {@link #ALL_REPLICAS}
     * @param tier where their bytes are
     * @param parent name of the page before the first, whatever tier that is on; null if there is none
     * @param hashes names of the pages, in order
     * @param tokens their tokens, pageSize for each page, or none; not to be changed
     * @param pageSize tokens in a page
     * @param salt salt of the prompts that can find them, or null
     * @param adapter adapter of the prompts that can find them, or null
     */
    record Stored(
            long number,
            int replica,
            Tier tier,
            @Nullable BlockHash parent,
            List<BlockHash> hashes,
            int[] tokens,
            int pageSize,
            @Nullable String salt,
            @Nullable String adapter)
            implements BlockEvent {

        /**
         * Copies the names.
         *
         * @param number the event's number
         * @param replica the replica
         * @param tier where their bytes are
         * @param parent the page before
         * @param hashes names of the pages
         * @param tokens their tokens
         * @param pageSize tokens in a page
         * @param salt salt or null
         * @param adapter adapter or null
         */
        public Stored {
            hashes = List.copyOf(hashes);
        }

        @Override
        public String toString() {
            return "Stored[number=" + number + ", replica=" + replica + ", tier=" + tier + ", parent=" + parent
                    + ", hashes=" + hashes + "]";
        }
    }

    /**
     * A page is no longer findable.
     *
     * @param number the event's number
     * @param replica the data-parallel replica that had it, or {@link #ALL_REPLICAS}
     * @param tier where its bytes were
     * @param hash its name
     * @param cause why
     */
    record Removed(long number, int replica, Tier tier, BlockHash hash, RemovalCause cause) implements BlockEvent {}

    /**
     * All content of a tier was forgotten; of the devices, that of one replica.
     *
     * @param number the event's number
     * @param replica the data-parallel replica, or {@link #ALL_REPLICAS}
     * @param tier where the bytes were
     */
    record Cleared(long number, int replica, Tier tier) implements BlockEvent {}

    /**
     * The subscriber was too slow: events were lost to it. To be whole again it subscribes anew.
     *
     * @param number the last event lost
     * @param count how many, one after another
     */
    record Dropped(long number, long count) implements BlockEvent {}

    /**
     * All that is findable now.
     *
     * @param number the last event whose effect is in it
     * @param epoch names this scheduler among all that ever ran: numbers of different epochs do not compare
     * @param stored the pages of all tiers; on a device parents come before their children
     */
    record Snapshot(long number, long epoch, List<Stored> stored) implements BlockEvent {

        /**
         * Copies the list.
         *
         * @param number the last event in it
         * @param epoch the scheduler
         * @param stored the pages
         */
        public Snapshot {
            stored = List.copyOf(stored);
        }
    }
}
