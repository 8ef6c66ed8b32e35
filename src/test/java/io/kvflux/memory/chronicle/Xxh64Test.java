package io.kvflux.memory.chronicle;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Xxh64Test {

    @ParameterizedTest
    @CsvSource({
        "'', ef46db3751d8e999",
        "a, d24ec4f1a98c6e5b",
        "abc, 44bc2cf5ad770999",
        "Nobody inspects the spammish repetition, fbcea83c8a378bf1"
    })
    void sumsUpAsItsSpecificationSays(String text, String expected) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        try (Region region = Region.allocate(64, 8)) {
            region.write(3, bytes);
            assertThat(Long.toHexString(region.checksum(3, bytes.length, 0))).isEqualTo(expected);
        }
    }

    @Test
    void everyByteAndEveryLengthCounts() {
        int length = 101;
        try (Region region = Region.allocate(length, 8)) {
            region.fill(0, length, (byte) 7);
            Set<Long> sums = new HashSet<>();
            for (int shorter = 0; shorter <= length; shorter++) {
                sums.add(region.checksum(0, shorter, 1));
            }
            for (int at = 0; at < length; at++) {
                for (int bit = 0; bit < 8; bit++) {
                    region.write(at, new byte[] {(byte) (7 ^ 1 << bit)});
                    sums.add(region.checksum(0, length, 1));
                }
                region.write(at, new byte[] {7});
            }
            sums.add(region.checksum(0, length, 2));
            assertThat(sums).hasSize(length + 1 + 8 * length + 1);
        }
    }
}
