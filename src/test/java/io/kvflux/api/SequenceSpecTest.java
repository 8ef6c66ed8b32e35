package io.kvflux.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class SequenceSpecTest {

    @Test
    void defaultsAreThoseThatAreDocumented() {
        SequenceSpec spec = SequenceSpec.of(1, 2, 3);
        assertThat(spec.promptLength()).isEqualTo(3);
        assertThat(spec.maxTokens()).isEqualTo(Integer.MAX_VALUE);
        assertThat(spec.expectedTokens()).isZero();
        assertThat(spec.stopTokens()).isEmpty();
        assertThat(spec.tenant()).isEmpty();
        assertThat(spec.priority()).isZero();
        assertThat(spec.salt()).isNull();
        assertThat(spec.adapter()).isNull();
        assertThat(spec.media()).isEmpty();
        assertThat(spec.retentions()).isEmpty();
    }

    @Test
    void aChangeGivesACopyAndLeavesTheOriginal() {
        SequenceSpec spec = SequenceSpec.of(1, 2, 3);
        SequenceSpec changed = spec.maxTokens(5)
                .expectedTokens(4)
                .stopTokens(9)
                .tenant("a")
                .priority(-2)
                .salt("s")
                .adapter("l");
        assertThat(spec.maxTokens()).isEqualTo(Integer.MAX_VALUE);
        assertThat(changed.maxTokens()).isEqualTo(5);
        assertThat(changed.expectedTokens()).isEqualTo(4);
        assertThat(changed.stopTokens()).containsExactly(9);
        assertThat(changed.tenant()).isEqualTo("a");
        assertThat(changed.priority()).isEqualTo(-2);
        assertThat(changed.salt()).isEqualTo("s");
        assertThat(changed.adapter()).isEqualTo("l");
        assertThat(changed.promptTokens(5)).containsExactly(1, 2, 3, 0, 0);
    }

    @Test
    void arraysAreCopiedInAndOut() {
        int[] prompt = {1, 2};
        int[] stops = {9};
        SequenceSpec spec = SequenceSpec.of(prompt).stopTokens(stops);
        prompt[0] = 5;
        stops[0] = 5;
        spec.stopTokens()[0] = 5;
        spec.promptTokens(2)[0] = 5;
        assertThat(spec.promptTokens(0)).containsExactly(1, 2);
        assertThat(spec.stopTokens()).containsExactly(9);
    }

    @Test
    void whatMakesNoSenseIsRefusedWithItsValues() {
        SequenceSpec spec = SequenceSpec.of(1, 2, 3);
        assertRefused(SequenceSpec::of, "a prompt needs at least one token, promptTokens.length=0");
        assertRefused(() -> SequenceSpec.of(1, -4), "a token id must not be negative, promptTokens has -4");
        assertRefused(() -> spec.maxTokens(0), "maxTokens must be positive, maxTokens=0");
        assertRefused(
                () -> spec.expectedTokens(-1),
                "expectedTokens must not be negative, 0 says that nothing is known, expectedTokens=-1");
        assertRefused(() -> spec.stopTokens(1, -1), "a token id must not be negative, stopTokens has -1");
        MediaItem outside = new MediaItem(2, 2, new byte[MediaItem.HASH_BYTES]);
        assertRefused(
                () -> spec.media(List.of(outside)),
                "a media item must end inside the prompt, offset=2, length=2, promptLength=3");
        assertThatThrownBy(() -> spec.tenant(null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void rangesAreRetainedBesideEachOther() {
        SequenceSpec spec = SequenceSpec.of(1, 2, 3).retain(2, Integer.MAX_VALUE, 90, 60_000);
        SequenceSpec both = spec.retain(0, 2, 10, Retention.ALWAYS);
        assertThat(spec.retentions()).hasSize(1);
        assertThat(both.tenant("a").retentions())
                .containsExactly(
                        new Retention(0, 2, 10, Retention.ALWAYS), new Retention(2, Integer.MAX_VALUE, 90, 60_000));
    }

    @Test
    void retentionsThatMakeNoSenseAreRefused() {
        SequenceSpec spec = SequenceSpec.of(1, 2, 3).retain(4, 8, 50, Retention.ALWAYS);
        assertRefused(
                () -> spec.retain(7, 9, 60, Retention.ALWAYS),
                "a token has one retention, Retention[from=7, to=9, priority=60, nanos=9223372036854775807],"
                        + " Retention[from=4, to=8, priority=50, nanos=9223372036854775807]");
        assertRefused(
                () -> spec.retain(0, 2, 1, 5).retain(1, 3, 60, 7),
                "a token has one retention, Retention[from=1, to=3, priority=60, nanos=7],"
                        + " Retention[from=0, to=2, priority=1, nanos=5]");
        assertRefused(
                () -> spec.retain(3, 5, 60, 7),
                "a token has one retention, Retention[from=3, to=5, priority=60, nanos=7],"
                        + " Retention[from=4, to=8, priority=50, nanos=9223372036854775807]");
        assertRefused(
                () -> spec.retain(4, 5, 60, 7),
                "a token has one retention, Retention[from=4, to=5, priority=60, nanos=7],"
                        + " Retention[from=4, to=8, priority=50, nanos=9223372036854775807]");
        assertRefused(
                () -> spec.retain(-1, 2, 60, Retention.ALWAYS),
                "a retention covers tokens from >= 0 to more than from, from=-1, to=2");
        assertRefused(
                () -> spec.retain(2, 2, 60, Retention.ALWAYS),
                "a retention covers tokens from >= 0 to more than from, from=2, to=2");
        assertRefused(
                () -> spec.retain(0, 2, 101, Retention.ALWAYS), "a retention's priority is in [0, 100], priority=101");
        assertRefused(
                () -> spec.retain(0, 2, -1, Retention.ALWAYS), "a retention's priority is in [0, 100], priority=-1");
        assertRefused(() -> spec.retain(0, 2, 1, 0), "a retention's duration must be positive, nanos=0");
    }

    private static void assertRefused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }
}
