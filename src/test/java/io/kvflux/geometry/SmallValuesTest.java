package io.kvflux.geometry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SmallValuesTest {

    @ParameterizedTest
    @CsvSource({
        "FLOAT32,4",
        "FLOAT16,2",
        "BFLOAT16,2",
        "FLOAT8_E4M3FN,1",
        "FLOAT8_E4M3FNUZ,1",
        "INT8,1",
        "FLOAT8_E8M0FNU,1",
        "UINT32,4",
        "INT64,8"
    })
    void elementsHaveTheirSizes(DType dtype, int bytes) {
        assertThat(dtype.bytes()).isEqualTo(bytes);
    }

    @Test
    void devicesAreNamedByKindAndIndex() {
        assertThat(DeviceRef.gpus(2)).hasToString("[gpu:0, gpu:1]");
        assertThat(DeviceRef.cpu()).hasToString("cpu:0");
        assertThatIllegalArgumentException().isThrownBy(() -> DeviceRef.gpu(-1)).withMessageContaining("id=-1");
        assertThatIllegalArgumentException().isThrownBy(() -> DeviceRef.gpus(0)).withMessageContaining("count=0");
    }

    @Test
    void seedsAreValuesThatNobodyCanChange() {
        byte[] bytes = new byte[HashSeed.LENGTH_BYTES];
        HashSeed seed = HashSeed.of(bytes);
        bytes[0] = 1;
        seed.bytes()[1] = 1;

        assertThat(seed).isEqualTo(HashSeed.ZERO).hasSameHashCodeAs(HashSeed.ZERO);
        assertThat(HashSeed.of(bytes)).isNotEqualTo(HashSeed.ZERO);
        assertThat(seed.toString()).hasSize(64).containsOnlyDigits();
    }

    @Test
    void seedsHave32Bytes() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HashSeed.of(new byte[31]))
                .withMessageContaining("lengthBytes=31");
    }
}
