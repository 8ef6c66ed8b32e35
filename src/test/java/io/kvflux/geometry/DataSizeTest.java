package io.kvflux.geometry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataSizeTest {

    @ParameterizedTest
    @CsvSource({
        "1B, 1",
        "1KiB, 1024",
        "3MiB, 3145728",
        "40GiB, 42949672960",
        "1.5GiB, 1610612736",
        "2TiB, 2199023255552",
        "1KB, 1000",
        "1.5 MB, 1500000",
        "1gb, 1000000000",
        "0.5tb, 500000000000",
        "0.3KiB, 307",
        "8388607.5TiB, 9223371487098961920"
    })
    void readsNumberAndUnit(String text, long bytes) {
        assertThat(DataSize.parse(text)).isEqualTo(new DataSize(bytes));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "0GiB", "-1GiB", "-0.5KB"})
    void sizesMustBePositive(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DataSize.parse(text))
                .withMessage("size must be positive, size='" + text + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10XB", "1024", "5G"})
    void unitsMustBeKnown(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DataSize.parse(text))
                .withMessage(
                        "size must end in one of the units B, KiB, MiB, GiB, TiB, KB, MB, GB, TB, size='" + text + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "GiB", "1,5GiB", "1e3MB", "NaN", ".5GiB", "1.GiB", "1GiB2"})
    void otherTextIsNoSize(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DataSize.parse(text))
                .withMessage("size must be a number and a unit such as 40GiB, size='" + text + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"8388608TiB", "99999999999999999999999999B", "0.5B"})
    void sizesMustCountIn64Bits(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DataSize.parse(text))
                .withMessage("size must be at least 1 B and less than 8388608 TiB, size='" + text + "'");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1, 1 B",
        "1000, 1000 B",
        "1023, 1023 B",
        "1024, 1 KiB",
        "1048575, 1023.99 KiB",
        "16777216, 16 MiB",
        "1610612736, 1.5 GiB",
        "1099511627776, 1 TiB",
        "9223372036854775807, 8388607.99 TiB"
    })
    void isShownInTheLargestUnitAndNeverRoundedUp(long bytes, String text) {
        assertThat(new DataSize(bytes)).hasToString(text);
    }

    @Test
    void convertsFromGibibytes() {
        assertThat(DataSize.ofGiB(40)).isEqualTo(DataSize.parse("40GiB"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DataSize.ofGiB(Long.MAX_VALUE))
                .withMessageContaining("must fit in 64 bits: 9223372036854775807 * 1073741824");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DataSize.ofGiB(-1))
                .withMessageContaining("bytes=-");
    }
}
