package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.kvflux.api.MediaItem;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class PrefixHasherTest {

    private static final int[] TOKENS = {0, 1, 2, 3, 4, 5, 6, 7};
    private static final String H0 = "2f992a90f78712acc96e8423a9ec3b381d05f792abe80ec50e83766b8fa82fe7";
    private static final String H1 = "ed97c8644d2db353b02899e4a5e4d23d9295b9183d94269fc6a63e79cf82bd95";

    private final PrefixHasher hasher = new PrefixHasher(4, null);

    @Test
    void chainOfEightTokensHasThePublishedNames() {
        byte[] h0 = hasher.next(hasher.root(PrefixScope.NONE), TOKENS, 0, List.of());
        byte[] h1 = hasher.next(h0, TOKENS, 1, List.of());
        assertThat(hex(h0)).isEqualTo(H0);
        assertThat(hex(h1)).isEqualTo(H1);
    }

    @Test
    void theShortNameIsTheFirstEightBytesBigEndian() {
        assertThat(PrefixHasher.toLong(HexFormat.of().parseHex(H0))).isEqualTo(0x2f992a90f78712acL);
        assertThat(PrefixHasher.toLong(HexFormat.of().parseHex(H1))).isEqualTo(0xed97c8644d2db353L);
    }

    @Test
    void theRootIsZeroOrTheSeed() {
        assertThat(hasher.root(PrefixScope.NONE)).isEqualTo(new byte[32]);
        byte[] seed = filled(7);
        PrefixHasher seeded = new PrefixHasher(4, seed);
        seed[0] = 99;
        assertThat(seeded.root(PrefixScope.NONE)).isEqualTo(filled(7));
    }

    @Test
    void aSaltIsHashedIntoTheRootByXor() throws Exception {
        byte[] salt = sha256("tenant".getBytes(StandardCharsets.UTF_8));
        assertThat(hasher.root(new PrefixScope("tenant", null))).isEqualTo(salt);
        byte[] expected = salt.clone();
        for (int i = 0; i < expected.length; i++) {
            expected[i] ^= 7;
        }
        assertThat(new PrefixHasher(4, filled(7)).root(new PrefixScope("tenant", null)))
                .isEqualTo(expected);
    }

    @Test
    void anAdapterIsHashedOverTheSaltedRoot() throws Exception {
        byte[] salt = sha256("tenant".getBytes(StandardCharsets.UTF_8));
        byte[] expected = sha256(
                "adapter".getBytes(StandardCharsets.UTF_8),
                new byte[1],
                "lora-ü".getBytes(StandardCharsets.UTF_8),
                salt);
        assertThat(hasher.root(new PrefixScope("tenant", "lora-ü"))).isEqualTo(expected);
    }

    /** V15: later pages differ through the chain. */
    @Test
    void aSaltChangesEveryPagesName() {
        byte[] salted = hasher.next(hasher.root(new PrefixScope("s1", null)), TOKENS, 0, List.of());
        assertThat(hex(salted)).isNotEqualTo(H0);
        assertThat(hex(hasher.next(salted, TOKENS, 1, List.of()))).isNotEqualTo(H1);
    }

    /** V13. */
    @Test
    void aPageHashesTheMediaItOverlapsInOrder() throws Exception {
        MediaItem a = new MediaItem(1, 5, filled(1));
        MediaItem b = new MediaItem(6, 1, filled(2));
        byte[] h0 = hasher.next(new byte[32], TOKENS, 0, List.of(b, a));
        byte[] h1 = hasher.next(h0, TOKENS, 1, List.of(b, a));
        assertThat(h0).isEqualTo(sha256(sha256(littleEndian(0), filled(1)), new byte[32]));
        assertThat(h1).isEqualTo(sha256(sha256(littleEndian(4), filled(1), filled(2)), h0));
    }

    @Test
    void mediaBesideAPageDoNotCount() {
        List<MediaItem> beside = List.of(new MediaItem(4, 4, filled(1)));
        assertThat(hex(hasher.next(new byte[32], TOKENS, 0, beside))).isEqualTo(H0);
        assertThat(hasher.next(new byte[32], TOKENS, 1, List.of(new MediaItem(0, 4, filled(1)))))
                .isEqualTo(hasher.next(new byte[32], TOKENS, 1, List.of()));
    }

    @Test
    void namingAPageLeavesNothingBehindForTheNext() {
        hasher.root(new PrefixScope("tenant", "adapter"));
        assertThatIllegalArgumentException().isThrownBy(() -> hasher.next(new byte[32], TOKENS, 2, List.of()));
        assertThat(hex(hasher.next(new byte[32], TOKENS, 0, List.of()))).isEqualTo(H0);
    }

    @Test
    void wrongArgumentsNameTheirRule() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PrefixHasher(0, null))
                .withMessage("pageSize must be positive, pageSize=0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PrefixHasher(4, new byte[31]))
                .withMessage("a seed has 32 bytes, length=31");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> hasher.next(new byte[32], TOKENS, 2, List.of()))
                .withMessage("only full pages have a name, page=2, pageSize=4, tokens=8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> hasher.next(new byte[32], TOKENS, -1, List.of()))
                .withMessage("only full pages have a name, page=-1, pageSize=4, tokens=8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> hasher.next(new byte[16], TOKENS, 0, List.of()))
                .withMessage("a page's name has 32 bytes, length=16");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PrefixHasher.toLong(new byte[7]))
                .withMessage("a page's name has 32 bytes, length=7");
    }

    private static byte[] littleEndian(int from) {
        ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(TOKENS, from, 4);
        return bytes.array();
    }

    private static byte[] sha256(byte[]... parts) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (byte[] part : parts) {
            digest.update(part);
        }
        return digest.digest();
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
