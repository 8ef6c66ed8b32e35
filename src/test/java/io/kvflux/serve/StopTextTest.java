package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopTextTest {

    private static String feed(StopText stops, String text) {
        StringBuilder known = new StringBuilder();
        for (int i = 0; i < text.length() && !stops.stopped(); i++) {
            known.append(stops.add(text.charAt(i)));
        }
        return known.toString();
    }

    @Test
    void withoutStopStringsNothingIsHeldBack() {
        assertThat(feed(new StopText(List.of()), "hello")).isEqualTo("hello");
    }

    @Test
    void whatMayBecomeAStopStringIsHeldBackUntilItIsKnown() {
        StopText stops = new StopText(List.of("END"));
        assertThat(feed(stops, "theE")).isEqualTo("the");
        assertThat(stops.add('N')).isEmpty();
        assertThat(stops.add('E')).isEqualTo("EN");
        assertThat(stops.rest()).isEqualTo("E");
    }

    @Test
    void theTextEndsBeforeTheStopString() {
        StopText stops = new StopText(List.of("END"));
        assertThat(feed(stops, "the ENEND more")).isEqualTo("the EN");
        assertThat(stops.stopped()).isTrue();
    }

    @Test
    void ofTwoThatEndTogetherTheLongerIsTakenAway() {
        assertThat(feed(new StopText(List.of("b", "ab")), "xab")).isEqualTo("x");
    }

    @Test
    void aStopStringInsideTheBeginningOfAnotherStops() {
        assertThat(feed(new StopText(List.of("abcd", "bc")), "abc")).isEqualTo("a");
    }

    @Test
    void isWhatASearchInTheWholeTextFinds() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            List<String> strings = new ArrayList<>();
            for (int j = random.nextInt(4); j >= 0; j--) {
                strings.add(word(random, 1 + random.nextInt(4)));
            }
            String text = word(random, random.nextInt(12));
            StopText stops = new StopText(strings);
            String known = feed(stops, text);
            assertThat(stops.stopped() ? known : known + stops.rest())
                    .as("seed=%d, stops=%s, text=%s", seed, strings, text)
                    .isEqualTo(search(text, strings));
        }
    }

    /** The text up to the first end of a stop string, without the longest that ends there. */
    private static String search(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            String read = text.substring(0, end);
            int longest = stops.stream()
                    .filter(read::endsWith)
                    .mapToInt(String::length)
                    .max()
                    .orElse(0);
            if (longest > 0) {
                return text.substring(0, end - longest);
            }
        }
        return text;
    }

    private static String word(Random random, int length) {
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append((char) ('a' + random.nextInt(2)));
        }
        return word.toString();
    }
}
