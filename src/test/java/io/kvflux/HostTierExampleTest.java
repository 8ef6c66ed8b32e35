package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.PreemptionMode;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.tier.HostPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The example of a host tier in docs/embedding.md, which shows it, runs. */
class HostTierExampleTest {

    private static final int CALL = 144;

    private interface Client {
        void write(int token);
    }

    @Test
    void theExampleRuns() {
        List<Integer> tokens = new ArrayList<>();
        KvCacheParams cache = KvCacheParams.builder()
                .attention(AttentionKind.MLA)
                .dtype(DType.FLOAT32)
                .numQueryHeads(1)
                .headDim(1)
                .numLayers(1)
                .pageSize(16)
                .build();
        Mono<String> tool = Mono.just("42").subscribeOn(Schedulers.boundedElastic());
        example(MultiKvCacheParams.fromParams(cache), tokens::add, new int[] {5, 6, 7}, tool);
        assertThat(tokens).containsExactly(18, 36, 72, 144, 288, 576, 152, 304, 608, 216, 432, 864, 728, 456);
    }

    private static void example(MultiKvCacheParams caches, Client client, int[] prompt, Mono<String> tool) {
        // README
        BlockScheduler scheduler = BlockScheduler.builder(caches)
                .deviceMemory(DataSize.parse("64MiB"))
                .hostSwap(DataSize.parse("256MiB"))
                .hostPolicy(HostPolicy.INCLUSIVE)
                .preemption(PreemptionMode.AUTO)
                .build();
        scheduler.run(new ExampleExecutor(scheduler.memory(), 16)).subscribe();

        Flux<TokenEvent> tokens = scheduler.generate(SequenceSpec.of(prompt).maxTokens(14));
        tokens.doOnNext(event -> {
                    client.write(event.token());
                    if (event.token() == CALL) { // a tool is asked: others may have its blocks meanwhile
                        SequenceId sequence = Objects.requireNonNull(event.sequence());
                        scheduler.pause(sequence);
                        tool.subscribe(answer -> scheduler.resume(sequence));
                    }
                })
                .blockLast();

        scheduler.disposeGracefully(Duration.ofSeconds(10)).block();
        // end
    }
}
