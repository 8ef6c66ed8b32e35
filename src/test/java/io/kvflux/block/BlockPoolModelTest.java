package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.MediaItem;
import io.kvflux.api.Retention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random operations on a pool against {@link PageWiseModel}, with the whole structure verified after every one. */
class BlockPoolModelTest {

    private static final int TABLES = 6;
    private static final int STEPS_IN_FLIGHT = 3;
    private static final int OPERATIONS = 2_000;
    private static final List<PrefixScope> SCOPES = List.of(PrefixScope.NONE, new PrefixScope("tenant", null));

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void poolAgreesWithPageWiseLru(long seed) {
        SplittableRandom keys = new SplittableRandom(seed);
        drive(seed, keys::nextLong, EvictionPolicy::lru, false);
    }

    /** What it evicts is taken over by the model; all else must agree. */
    @ParameterizedTest
    @ValueSource(longs = {21, 22, 23, 24})
    void poolAgreesWithItsModelUnderAdaptiveEviction(long seed) {
        drive(seed, new SplittableRandom(seed)::nextLong, EvictionPolicy::adaptive, false);
    }

    @ParameterizedTest
    @ValueSource(longs = {31, 32, 33, 34})
    void poolAgreesWithItsModelWhenSomeIsRetained(long seed) {
        drive(seed, new SplittableRandom(seed)::nextLong, EvictionPolicy::lru, true);
        drive(seed, new SplittableRandom(seed)::nextLong, EvictionPolicy::adaptive, true);
    }

    /** Every run stands in one place of the index, so that content alone tells them apart. */
    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14})
    void poolAgreesWithPageWiseLruWhenAllHashesAreEqual(long seed) {
        drive(seed, () -> 0L, EvictionPolicy::lru, false);
    }

    private static void drive(long seed, LongSupplier hashKeys, Supplier<EvictionPolicy> eviction, boolean retaining) {
        System.out.println("BlockPoolModelTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 16; round++) {
            new Run(random, 1 + random.nextInt(40), 1 + random.nextInt(4), hashKeys, eviction.get(), retaining).drive();
        }
    }

    private static final class Run {

        final SplittableRandom random;
        final boolean retaining;
        final PrefixMatch found = new PrefixMatch();
        long clock;
        final int pageSize;
        final BlockPool pool;
        final PageWiseModel model;
        final List<BlockTable> tables = new ArrayList<>();
        final int[][] tokens = new int[TABLES][];
        final PageKeys[] keys = new PageKeys[TABLES];
        final PrefixMatch match = new PrefixMatch();
        long issued;
        long completed;

        Run(
                SplittableRandom random,
                int blocks,
                int pageSize,
                LongSupplier hashKeys,
                EvictionPolicy eviction,
                boolean retaining) {
            this.random = random;
            this.retaining = retaining;
            this.pageSize = pageSize;
            pool = new BlockPool(blocks, pageSize, STEPS_IN_FLIGHT, eviction, hashKeys);
            boolean exact = eviction instanceof LruEviction && !retaining;
            model = new PageWiseModel(blocks, pageSize, TABLES, exact ? null : this::finds);
            for (int i = 0; i < TABLES; i++) {
                tables.add(new BlockTable());
            }
        }

        void drive() {
            for (int i = 0; i < OPERATIONS; i++) {
                operate(random.nextInt(TABLES));
                pool.verify(tables);
                assertThat(state()).isEqualTo(model.state());
            }
            for (int i = 0; i < TABLES; i++) {
                if (tables.get(i).isOpen()) {
                    release(i);
                }
            }
            complete(issued);
            assertThat(pool.availableBlocks()).isEqualTo(pool.usableBlocks());
            assertThat(pool.clearCache()).isTrue();
            pool.verify(tables);
            assertThat(pool.freeBlocks()).isEqualTo(pool.usableBlocks());
            assertThat(pool.indexedRuns()).isZero();
        }

        boolean finds(PrefixScope scope, int[] tokens, PageKeys media, int pages) {
            pool.match(scope, tokens, pages, media, found);
            return found.pages() == pages;
        }

        List<Long> state() {
            return List.of(
                    (long) pool.freeBlocks(),
                    (long) pool.heldBlocks(),
                    (long) pool.cachedBlocks(),
                    (long) pool.withheldBlocks(),
                    pool.insertedPages(),
                    pool.evictedPages());
        }

        void operate(int at) {
            int choice = random.nextInt(100);
            if (!tables.get(at).isOpen()) {
                if (choice < 20) {
                    fork(at, random.nextInt(TABLES));
                } else {
                    open(at);
                }
            } else if (choice < 25) {
                release(at);
            } else if (choice < 45) {
                assertThat(pool.grow(tables.get(at), 1 + choice % 3)).isEqualTo(model.grow(at, 1 + choice % 3));
            } else if (choice < 75) {
                int committed = tables.get(at).committed();
                commit(at, committed + random.nextInt(tables.get(at).size() - committed + 1));
            } else if (choice < 90) {
                touch(at);
            } else if (choice < 99) {
                complete(Math.min(issued, completed + 1 + random.nextInt(2)));
            } else {
                assertThat(pool.clearCache()).isEqualTo(model.clear());
            }
        }

        void open(int at) {
            int[] prompt = random.ints(random.nextInt(30), 0, 2).toArray();
            if (random.nextBoolean()) {
                Arrays.fill(prompt, 0, prompt.length / 2, 0);
            }
            int pages = prompt.length / pageSize;
            PrefixScope scope = SCOPES.get(random.nextInt(SCOPES.size()));
            PageKeys media = media();
            pool.match(scope, prompt, pages, media, match);
            assertThat(match.pages()).isEqualTo(model.match(scope, prompt, media, pages));
            assertThat(match.cachedPages()).isEqualTo(model.cachedOfMatch(scope, prompt, media, match.pages()));
            int extra = random.nextInt(6);
            boolean opened = pool.open(tables.get(at), scope, match, extra);
            assertThat(opened).isEqualTo(model.open(at, scope, prompt, media, match.pages(), extra));
            tokens[at] = Arrays.copyOf(prompt, 200 * pageSize);
            keys[at] = media;
        }

        List<Retention> retentions() {
            List<Retention> ranges = new ArrayList<>();
            int from = 0;
            while (random.nextInt(3) > 0) {
                from += random.nextInt(8);
                int to = from + 1 + random.nextInt(16);
                long nanos = random.nextBoolean() ? Retention.ALWAYS : 1 + random.nextInt(100);
                ranges.add(new Retention(from, to, random.nextInt(Retention.MAX_PRIORITY + 1), nanos));
                from = to;
            }
            return ranges;
        }

        PageKeys media() {
            List<MediaItem> items = new ArrayList<>();
            while (random.nextInt(3) == 0) {
                byte[] content = new byte[MediaItem.HASH_BYTES];
                content[0] = (byte) random.nextInt(2);
                items.add(new MediaItem(5 * random.nextInt(4), 1 + random.nextInt(5), content));
            }
            return PageKeys.of(items, pageSize);
        }

        void commit(int at, int upTo) {
            pool.commit(tables.get(at), tokens[at], upTo, keys[at]);
            model.commit(at, tokens[at], keys[at], upTo);
        }

        void release(int at) {
            if (retaining) {
                pool.time(clock += random.nextInt(3));
                tables.get(at).retain(retentions());
            }
            pool.release(tables.get(at));
            model.release(at);
        }

        void fork(int at, int from) {
            if (!tables.get(from).isOpen()) {
                return;
            }
            assertThat(pool.fork(tables.get(from), tables.get(at), 1)).isEqualTo(model.fork(from, at, 1));
            keys[at] = keys[from];
            tokens[at] = tokens[from].clone();
            for (int i = tables.get(from).committed() * pageSize; i < tokens[at].length; i++) {
                tokens[at][i] = random.nextInt(2);
            }
        }

        void touch(int at) {
            boolean shared = issued > completed && random.nextBoolean();
            if (!shared && issued - completed == STEPS_IN_FLIGHT) {
                complete(completed + 1);
            }
            issued += shared ? 0 : 1;
            tables.get(at).touch(issued);
            model.touch(at, issued);
        }

        void complete(long step) {
            completed = step;
            pool.completed(step);
            model.completed(step);
        }
    }
}
