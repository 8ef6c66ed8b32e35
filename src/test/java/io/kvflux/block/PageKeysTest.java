package io.kvflux.block;

import static io.kvflux.block.PoolScenario.own;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.kvflux.api.MediaItem;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PageKeysTest {

    private static final byte[] A = filled(1);
    private static final byte[] B = filled(2);
    private static final byte[] C = filled(3);

    /** V13. */
    @Test
    void aPagesKeyIsTheMediaItOverlaps() {
        List<MediaItem> media = List.of(new MediaItem(11, 10, A), new MediaItem(30, 18, B), new MediaItem(48, 7, C));
        PageKeys keys = PageKeys.of(media, 16);
        assertThat(keys.key(0)).isEqualTo(keyOf(A));
        assertThat(keys.key(1)).isEqualTo(keyOf(A, B));
        assertThat(keys.key(2)).isEqualTo(keyOf(B));
        assertThat(keys.key(3)).isEqualTo(keyOf(C));
        assertThat(keys.key(4)).isNull();
    }

    @Test
    void theOrderOfTheListDoesNotMatterButThatOfTheOffsetsDoes() {
        MediaItem a = new MediaItem(0, 2, A);
        MediaItem b = new MediaItem(5, 2, B);
        assertThat(PageKeys.of(List.of(b, a), 16).key(0)).isEqualTo(keyOf(A, B));
        assertThat(keyOf(A, B)).isNotEqualTo(keyOf(B, A));
    }

    @Test
    void pagesBetweenMediaHaveNoKey() {
        PageKeys keys = PageKeys.of(List.of(new MediaItem(0, 1, A), new MediaItem(48, 1, B)), 16);
        assertThat(keys.key(1)).isNull();
        assertThat(keys.key(2)).isNull();
        assertThat(PageKeys.of(List.of(), 16)).isSameAs(PageKeys.none());
        assertThat(PageKeys.none().key(1_000_000)).isNull();
    }

    @Test
    void equalPlaceholdersOfDifferentMediaNeverShareABlock() {
        BlockPool pool = new BlockPool(10, 4, 1, EvictionPolicy.lru());
        int[] tokens = own(1, 12);
        PageKeys image = PageKeys.of(List.of(new MediaItem(5, 2, A)), 4);
        BlockTable table = new BlockTable();
        PrefixMatch match = new PrefixMatch();
        pool.match(PrefixScope.NONE, tokens, 3, image, match);
        assertThat(pool.open(table, PrefixScope.NONE, match, 3)).isTrue();
        pool.commit(table, tokens, 3, image);
        pool.verify(List.of(table));

        assertThat(matched(pool, tokens, image)).isEqualTo(3);
        assertThat(matched(pool, tokens, PageKeys.of(List.of(new MediaItem(5, 2, B)), 4)))
                .isEqualTo(1);
        assertThat(matched(pool, tokens, PageKeys.none())).isEqualTo(1);
        assertThat(matched(pool, tokens, PageKeys.of(List.of(new MediaItem(5, 5, A)), 4)))
                .isEqualTo(2);
    }

    @Test
    void aPageSizeThatIsNotPositiveNamesItsRule() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PageKeys.of(List.of(), 0))
                .withMessage("pageSize must be positive, pageSize=0");
    }

    private static int matched(BlockPool pool, int[] tokens, PageKeys keys) {
        PrefixMatch match = new PrefixMatch();
        pool.match(PrefixScope.NONE, tokens, tokens.length / pool.pageSize(), keys, match);
        return match.pages();
    }

    /** The key of a page that overlaps these items in this order. */
    private static Object keyOf(byte[]... hashes) {
        List<MediaItem> media = IntStream.range(0, hashes.length)
                .mapToObj(i -> new MediaItem(i, 1, hashes[i]))
                .toList();
        return Objects.requireNonNull(PageKeys.of(media, 16).key(0));
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
