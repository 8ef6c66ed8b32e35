package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TraceRequestTest {

    private static final long SEED = 42;
    private static final long[] NONE = {};

    @Test
    void equalIdsGiveEqualTokensWhateverTheRequest() {
        int[] one = request(0, 1024, 1, 512, ids(7, 8), NONE).promptTokens();
        int[] two = request(9, 1024, 1, 512, ids(8, 7), NONE).promptTokens();

        assertThat(Arrays.copyOfRange(two, 0, 512)).isEqualTo(Arrays.copyOfRange(one, 512, 1024));
        assertThat(Arrays.copyOfRange(two, 512, 1024)).isEqualTo(Arrays.copyOfRange(one, 0, 512));
    }

    @Test
    void cutLastBlockIsTheStartOfTheWholeBlock() {
        int[] whole = request(0, 512, 1, 512, ids(7), NONE).promptTokens();

        assertThat(request(1, 100, 1, 512, ids(7), NONE).promptTokens()).isEqualTo(Arrays.copyOf(whole, 100));
    }

    @Test
    void anotherSeedGivesOtherTokens() {
        SimRequest other = new TraceRequest(SEED + 1, 0, 0, 512, 1, 512, ids(7), NONE);

        assertThat(other.promptTokens())
                .isNotEqualTo(request(0, 512, 1, 512, ids(7), NONE).promptTokens());
    }

    @Test
    void privateTokensBelongToOneRequest() {
        SimRequest one = request(0, 40, 40, 16, NONE, NONE);
        SimRequest two = request(1, 40, 40, 16, NONE, NONE);

        assertThat(one.promptTokens()).isNotEqualTo(two.promptTokens());
        assertThat(output(one)).isNotEqualTo(output(two));
        assertThat(one.promptTokens())
                .isEqualTo(request(0, 40, 40, 16, NONE, NONE).promptTokens());
    }

    @Test
    void nextTurnRepeatsWhatWasGenerated() {
        SimRequest turn = request(0, 40, 57, 16, ids(1, 2), ids(3, 4, 5, 6));
        int[] next = request(1, 112, 5, 16, ids(1, 2, 3, 4, 5, 6, 7), NONE).promptTokens();

        int[] spoken = IntStream.concat(Arrays.stream(turn.promptTokens()), Arrays.stream(output(turn)))
                .toArray();

        assertThat(Arrays.copyOf(next, 96)).isEqualTo(Arrays.copyOf(spoken, 96));
    }

    @Test
    void promptTailIsTheStartOfTheFirstOutputBlock() {
        int[] prompt = request(0, 40, 57, 16, ids(1, 2), ids(3, 4, 5)).promptTokens();
        int[] third = request(1, 16, 1, 16, ids(3), NONE).promptTokens();

        assertThat(Arrays.copyOfRange(prompt, 32, 40)).isEqualTo(Arrays.copyOf(third, 8));
    }

    @Test
    void promptBlocksWithoutIdArePrivateButTheTailIsNot() {
        int[] one = request(0, 40, 20, 16, ids(1), ids(3)).promptTokens();
        int[] two = request(1, 40, 20, 16, ids(1), ids(3)).promptTokens();

        assertThat(Arrays.mismatch(one, two)).isEqualTo(16);
        assertThat(Arrays.copyOfRange(one, 32, 40)).isEqualTo(Arrays.copyOfRange(two, 32, 40));
    }

    @Test
    void outputBehindTheNamedBlocksIsPrivate() {
        SimRequest one = request(0, 40, 60, 16, ids(1, 2), ids(3));
        SimRequest two = request(1, 40, 60, 16, ids(1, 2), ids(3));

        assertThat(Arrays.mismatch(output(one), output(two))).isEqualTo(8);
    }

    @Test
    void onlyTheLastOutputTokenIsTheStopToken() {
        int[] output = output(request(0, 40, 57, 16, ids(1, 2), ids(3, 4, 5)));

        assertThat(output).endsWith(SimRequest.STOP_TOKEN);
        assertThat(Arrays.stream(output, 0, 56)).allMatch(token -> token >= 0 && token < SimRequest.STOP_TOKEN);
    }

    @Test
    void positionOutsideTheOutputIsRefused() {
        SimRequest request = request(0, 4, 2, 16, NONE, NONE);

        assertThatThrownBy(() -> request.outputToken(2))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("position must lie in the output, position=2, outputLength=2");
    }

    @Test
    void tokensAreSpreadEvenlyOverTheVocabulary() {
        int buckets = 16;
        int draws = 1 << 16;
        int[] counts = new int[buckets];
        int[] tokens = new int[draws];
        Tokens.fill(tokens, 0, draws, Tokens.key(SEED, Tokens.BLOCK, 0), 0);
        for (int token : tokens) {
            counts[token / (SimRequest.STOP_TOKEN / buckets)]++;
        }
        assertThat(Arrays.stream(counts))
                .allMatch(count -> Math.abs(count - draws / buckets) < 5 * Math.sqrt(draws / (double) buckets));
        assertThat(Arrays.stream(tokens).distinct().count()).isGreaterThan(50_000);
    }

    @Test
    void adjacentIdsShareHardlyAnyToken() {
        int equal = 0;
        int[] one = new int[512];
        int[] two = new int[512];
        for (int id = 0; id < 100; id++) {
            Tokens.fill(one, 0, 512, Tokens.key(SEED, Tokens.BLOCK, id), 0);
            Tokens.fill(two, 0, 512, Tokens.key(SEED, Tokens.BLOCK, id + 1L), 0);
            for (int i = 0; i < 512; i++) {
                equal += one[i] == two[i] ? 1 : 0;
            }
        }
        assertThat(equal).isLessThan(10);
    }

    private static SimRequest request(
            long index, int input, int output, int blockTokens, long[] promptIds, long[] tailIds) {
        return new TraceRequest(SEED, index, 0, input, output, blockTokens, promptIds, tailIds);
    }

    private static long[] ids(long... ids) {
        return ids;
    }

    private static int[] output(SimRequest request) {
        return IntStream.range(0, request.outputLength())
                .map(request::outputToken)
                .toArray();
    }
}
