package io.kvflux.tier.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.selftest.Mutant;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

/**
 * A process dies before every single access that writing and erasing make to the files, as by SIGKILL, which {@link KillTest}
 * sends at moments of its own. {@link CrashHunt} says what must hold then.
 */
class CrashTest {

    @Test
    void whereverAProcessDiesPagesAreOldOrNewOrGone() throws ReflectiveOperationException {
        LongFunction<?> hunt = Mutant.dying().hunt();
        assertThat(hunt.apply(0)).isNull();
        System.out.println("CrashTest deaths=" + hunt);
        assertThat(Integer.parseInt(hunt.toString())).isGreaterThan(200);
    }
}
