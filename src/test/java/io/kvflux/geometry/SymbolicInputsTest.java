package io.kvflux.geometry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SymbolicInputsTest {

    private static List<String> names(KvCacheInputs inputs) {
        return inputs.flatten().stream().map(InputType::name).toList();
    }

    private static List<String> dims(InputType input) {
        return input.dims().stream().map(Object::toString).toList();
    }

    @Test
    void twoCachesOnTwoReplicasHaveTwentyInputsInOrder() {
        KvCacheParams one =
                Caches.base().devices(DeviceRef.gpus(2)).dataParallelDegree(2).build();
        KvCacheInputs inputs = MultiKvCacheParams.fromParams(one, one).symbolicInputs("");

        assertThat(inputs.flatten()).hasSize(20);
        assertThat(inputs.perDevice())
                .extracting(each -> each.cache() + "/" + each.replica() + "/" + each.shard())
                .containsExactly("0/0/0", "0/1/0", "1/0/0", "1/1/0");
        assertThat(names(inputs).subList(0, 5))
                .containsExactly("kvBlocks", "cacheLengths", "lookupTable", "maxLengths", "attentionDispatchMetadata");
        KvCacheInputsPerDevice last = inputs.perDevice().get(3);
        assertThat(dims(last.kvBlocks())).containsExactly("total_num_pages", "2", "1", "128", "8", "128");
        assertThat(dims(last.cacheLengths())).containsExactly("cache1_replica_1_batch_size");
        assertThat(dims(last.lookupTable()))
                .containsExactly("cache1_replica_1_batch_size", "cache1_replica_1_max_num_pages");
        assertThat(dims(last.maxLengths())).containsExactly("cache1_replica_1_steps_remaining", "2");
        assertThat(dims(last.attentionDispatchMetadata())).containsExactly("4");
    }

    @Test
    void prefixPrecedesAllButTheSharedPageCount() {
        KvCacheParams one = Caches.base().build();
        KvCacheInputsPerDevice single = one.symbolicInputs("draft_").perDevice().get(0);
        KvCacheInputsPerDevice multi = MultiKvCacheParams.fromParams(one)
                .symbolicInputs("draft_")
                .perDevice()
                .get(0);

        assertThat(dims(single.cacheLengths())).containsExactly("draft_replica_0_batch_size");
        assertThat(dims(multi.cacheLengths())).containsExactly("draft_cache0_replica_0_batch_size");
        assertThat(dims(multi.kvBlocks())).startsWith("total_num_pages");
    }

    @Test
    void shardsAreInnermostAndLieOnTheirDevices() {
        KvCacheParams params =
                Caches.base().devices(DeviceRef.gpus(4)).dataParallelDegree(2).build();
        KvCacheInputs inputs = params.symbolicInputs("");

        assertThat(inputs.perDevice())
                .extracting(each -> each.replica() + "/" + each.shard() + "@"
                        + each.kvBlocks().device())
                .containsExactly("0/0@gpu:0", "0/1@gpu:1", "1/0@gpu:2", "1/1@gpu:3");
        KvCacheInputsPerDevice last = inputs.perDevice().get(3);
        assertThat(last.cacheLengths().device()).isEqualTo(DeviceRef.gpu(3));
        assertThat(last.lookupTable().device()).isEqualTo(DeviceRef.gpu(3));
        assertThat(last.maxLengths().device()).isEqualTo(DeviceRef.cpu());
        assertThat(last.attentionDispatchMetadata().device()).isEqualTo(DeviceRef.cpu());
    }

    @Test
    void latentCacheOnOneDeviceHasSevenInputs() {
        KvCacheInputs inputs = Caches.latent().build().symbolicInputs("");

        assertThat(names(inputs))
                .containsExactly(
                        "kvBlocks",
                        "cacheLengths",
                        "lookupTable",
                        "maxLengths",
                        "attentionDispatchMetadata",
                        "mlaNumPartitions",
                        "mlaEffectiveSplitLen");
        InputType dispatch = inputs.flatten().get(4);
        assertThat(dims(dispatch)).containsExactly("3");
        assertThat(dispatch.device()).isEqualTo(DeviceRef.gpu(0));
        assertThat(inputs.flatten().subList(5, 7))
                .allSatisfy(input -> assertThat(dims(input)).containsExactly("1"))
                .allSatisfy(input -> assertThat(input.device()).isEqualTo(DeviceRef.cpu()))
                .allSatisfy(input -> assertThat(input.dtype()).isEqualTo(DType.INT64));
    }

    @Test
    void scalesAndDraftsAddTheirInputs() {
        KvCacheInputs inputs = Caches.latent()
                .quantization(new KvCacheQuantization(DType.BFLOAT16, 64))
                .speculativeMethod(SpeculativeMethod.MTP)
                .numDraftTokens(1)
                .build()
                .symbolicInputs("");

        assertThat(names(inputs))
                .containsExactly(
                        "kvBlocks",
                        "cacheLengths",
                        "lookupTable",
                        "maxLengths",
                        "kvScales",
                        "attentionDispatchMetadata",
                        "draftAttentionDispatchMetadata",
                        "mlaNumPartitions",
                        "mlaEffectiveSplitLen");
        InputType scales = inputs.flatten().get(4);
        assertThat(scales).isInstanceOf(BufferType.class);
        assertThat(scales.dtype()).isEqualTo(DType.BFLOAT16);
        assertThat(dims(scales)).containsExactly("total_num_pages", "1", "61", "128", "1", "9");
        assertThat(dims(inputs.flatten().get(6))).containsExactly("3");
    }

    @Test
    void onlyPagesAndScalesAreWritten() {
        KvCacheInputs inputs =
                Caches.base().quantization(KvCacheQuantization.DEFAULT).build().symbolicInputs("");

        assertThat(inputs.flatten())
                .filteredOn(BufferType.class::isInstance)
                .extracting(InputType::name)
                .containsExactly("kvBlocks", "kvScales");
        assertThat(inputs.perDevice().get(0).kvBlocks().dtype()).isEqualTo(DType.FLOAT32);
        assertThat(inputs.perDevice().get(0).cacheLengths().dtype()).isEqualTo(DType.UINT32);
        assertThat(inputs.perDevice()).isUnmodifiable();
        assertThat(inputs.flatten()).isUnmodifiable();
    }
}
