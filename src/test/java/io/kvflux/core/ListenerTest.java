package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.StepResult;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What a listener may not do. */
class ListenerTest {

    private final AtomicReference<SchedulerCore> core = new AtomicReference<>();

    @Test
    void aListenerThatCallsBackIsRefusedAndNothingIsCorrupted() {
        core.set(new SchedulerCore(Driver.config(4, 10).build(), new SchedulerListener() {
            @Override
            public void token(SequenceId id, int index, int token) {
                assertThatThrownBy(() -> core.get().cancel(id))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("a listener must not call back into the core");
            }
        }));
        core.get().submit(SequenceSpec.of(1, 2, 3), Long.MAX_VALUE);
        StepResult result = new StepResult().reset(core.get().plan());
        result.token(0, 7);
        core.get().complete(result);
        core.get().verify();
        assertThat(core.get().running()).isEqualTo(1);
        assertThat(core.get().cancel(new SequenceId(1))).isTrue();
    }
}
