package io.kvflux.geometry;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The geometry of one cache: an immutable value, compared by content. Build it with {@link #builder()}.
 *
 * <pre>
 * kvDim              2 (K and V) for MHA, 1 for MLA
 * kvHeadsPerDevice   numKvHeads / tensorParallelDegree for MHA, 1 for MLA
 * shapePerBlock      [kvDim, numLayers, pageSize, kvHeadsPerDevice, headDim]
 * shapePerScaleBlock the same, last = headDim / granularity
 * bytesPerPage       prod(shapePerBlock) * bytes of dtype + prod(shapePerScaleBlock) * bytes of the scale type
 * bytesPerBlock      bytesPerPage * tensorParallelDegree
 * </pre>
 */
public final class KvCacheParams implements KvCacheGeometry {

    private final DType dtype;
    private final AttentionKind attention;
    private final int numLayers;
    private final int numKvHeads;
    private final @Nullable Integer numQueryHeads;
    private final int headDim;
    private final int pageSize;
    private final @Nullable KvCacheQuantization quantization;
    private final List<DeviceRef> devices;
    private final int dataParallelDegree;
    private final boolean enablePrefixCaching;
    private final KvConnectorType kvConnector;
    private final @Nullable Double hostKvCacheSwapSpaceGb;
    private final @Nullable Path diskOffloadDir;
    private final @Nullable Double diskOffloadMaxGb;
    private final @Nullable SpeculativeMethod speculativeMethod;
    private final int numDraftTokens;
    private final HashAlgorithm hashAlgorithm;
    private final HashSeed hashSeed;
    private final long bytesPerPage;
    private final long bytesPerBlock;

    private KvCacheParams(Builder from) {
        this.dtype = from.requiredDtype();
        this.attention = from.attention;
        this.numLayers = from.numLayers;
        this.numKvHeads = from.numKvHeadsOrDefault();
        this.numQueryHeads = from.numQueryHeads;
        this.headDim = from.headDim;
        this.pageSize = from.pageSize;
        this.quantization = from.quantization;
        this.devices = from.devices;
        this.dataParallelDegree = from.dataParallelDegree;
        this.enablePrefixCaching = from.enablePrefixCaching;
        this.kvConnector = from.kvConnector;
        this.hostKvCacheSwapSpaceGb = from.hostKvCacheSwapSpaceGb;
        this.diskOffloadDir = from.diskOffloadDir;
        this.diskOffloadMaxGb = from.diskOffloadMaxGb;
        this.speculativeMethod = from.speculativeMethod;
        this.numDraftTokens = from.numDraftTokens;
        this.hashAlgorithm = from.hashAlgorithm;
        this.hashSeed = from.hashSeed;
        KvCacheRules.check(this);
        this.bytesPerPage = computeBytesPerPage();
        this.bytesPerBlock = Check.product("bytesPerPage * tensorParallelDegree", bytesPerPage, tensorParallelDegree());
    }

    /** {@return a builder with the documented defaults} */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return a builder that starts from these values} */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** {@return vectors kept for a token, layer and head: 2 (key, value) for MHA, 1 (latent) for MLA} */
    public int kvDim() {
        return attention == AttentionKind.MLA ? 1 : 2;
    }

    /** {@return KV heads that one device keeps} */
    public int kvHeadsPerDevice() {
        return attention == AttentionKind.MLA ? 1 : numKvHeads / tensorParallelDegree();
    }

    /** {@return the extents of a page's values on one device: kvDim, numLayers, pageSize, kvHeadsPerDevice, headDim} */
    public List<Integer> shapePerBlock() {
        return List.of(kvDim(), numLayers, pageSize, kvHeadsPerDevice(), headDim);
    }

    /** {@return the extents of a page's scales on one device, the last one headDim / granularity; empty when unquantised} */
    public List<Integer> shapePerScaleBlock() {
        return quantization == null
                ? List.of()
                : List.of(kvDim(), numLayers, pageSize, kvHeadsPerDevice(), headDim / quantization.granularity());
    }

    @Override
    public List<KvCacheParams> params() {
        return List.of(this);
    }

    @Override
    public boolean replicatesKvAcrossTp() {
        return attention == AttentionKind.MLA && tensorParallelDegree() > 1;
    }

    @Override
    public long hostBytesPerBlock() {
        return replicatesKvAcrossTp() ? bytesPerPage : bytesPerBlock;
    }

    @Override
    public KvCacheInputs symbolicInputs(String prefix) {
        return SymbolicInputs.of(List.of(this), List.of(prefix));
    }

    /** {@return the element type of keys and values} */
    public DType dtype() {
        return dtype;
    }

    /** {@return how keys and values are kept} */
    public AttentionKind attention() {
        return attention;
    }

    /** {@return the number of layers this cache serves} */
    public int numLayers() {
        return numLayers;
    }

    /** {@return the number of KV heads of the whole model; latent attention keeps one vector whatever it says} */
    public int numKvHeads() {
        return numKvHeads;
    }

    /** {@return the number of query heads of the whole model, or null when unknown} */
    public @Nullable Integer numQueryHeads() {
        return numQueryHeads;
    }

    /** {@return the elements of one head's key; under MLA those of the latent, rotary part included} */
    public int headDim() {
        return headDim;
    }

    /** {@return the scales kept beside the values, or null when there are none} */
    public @Nullable KvCacheQuantization quantization() {
        return quantization;
    }

    /** {@return the folder of the disk tier, or null when absent} */
    public @Nullable Path diskOffloadDir() {
        return diskOffloadDir;
    }

    /** {@return GiB the disk tier may use, or null when absent} */
    public @Nullable Double diskOffloadMaxGb() {
        return diskOffloadMaxGb;
    }

    /** {@return bytes of one page on one device, values and scales} */
    public long bytesPerPage() {
        return bytesPerPage;
    }

    @Override
    public int pageSize() {
        return pageSize;
    }

    @Override
    public List<DeviceRef> devices() {
        return devices;
    }

    @Override
    public int dataParallelDegree() {
        return dataParallelDegree;
    }

    @Override
    public boolean enablePrefixCaching() {
        return enablePrefixCaching;
    }

    @Override
    public KvConnectorType kvConnector() {
        return kvConnector;
    }

    @Override
    public @Nullable Double hostKvCacheSwapSpaceGb() {
        return hostKvCacheSwapSpaceGb;
    }

    @Override
    public @Nullable SpeculativeMethod speculativeMethod() {
        return speculativeMethod;
    }

    @Override
    public int numDraftTokens() {
        return numDraftTokens;
    }

    @Override
    public HashAlgorithm hashAlgorithm() {
        return hashAlgorithm;
    }

    @Override
    public HashSeed hashSeed() {
        return hashSeed;
    }

    @Override
    public long bytesPerBlock() {
        return bytesPerBlock;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KvCacheParams params && fields().equals(params.fields());
    }

    @Override
    public int hashCode() {
        return fields().hashCode();
    }

    @Override
    public String toString() {
        return "KvCacheParams[" + attention + " " + dtype + " " + shapePerBlock() + " a block on each of " + devices
                + ", dataParallelDegree=" + dataParallelDegree + ", bytesPerBlock=" + bytesPerBlock + "]";
    }

    private List<@Nullable Object> fields() {
        return Arrays.asList(
                dtype,
                attention,
                numLayers,
                numKvHeads,
                numQueryHeads,
                headDim,
                pageSize,
                quantization,
                devices,
                dataParallelDegree,
                enablePrefixCaching,
                kvConnector,
                hostKvCacheSwapSpaceGb,
                diskOffloadDir,
                diskOffloadMaxGb,
                speculativeMethod,
                numDraftTokens,
                hashAlgorithm,
                hashSeed);
    }

    private long computeBytesPerPage() {
        long values = bytes("kvDim * numLayers * pageSize * kvHeadsPerDevice * headDim * dtypeBytes", headDim, dtype);
        if (quantization == null) {
            return values;
        }
        long scales = bytes(
                "kvDim * numLayers * pageSize * kvHeadsPerDevice * scalesPerHead * scaleBytes",
                headDim / quantization.granularity(),
                quantization.scaleDtype());
        return Check.sum("valueBytesPerPage + scaleBytesPerPage", values, scales);
    }

    private long bytes(String formula, int lastExtent, DType type) {
        return Check.product(formula, kvDim(), numLayers, pageSize, kvHeadsPerDevice(), lastExtent, type.bytes());
    }

    /**
     * Collects the values of a {@link KvCacheParams}. Setters take any value; {@link #build()} checks them all, since most
     * rules concern several.
     */
    public static final class Builder {

        private @Nullable DType dtype;
        private AttentionKind attention = AttentionKind.MHA;
        private int numLayers;
        private @Nullable Integer numKvHeads;
        private @Nullable Integer numQueryHeads;
        private int headDim;
        private int pageSize = 128;
        private @Nullable KvCacheQuantization quantization;
        private List<DeviceRef> devices = List.of(DeviceRef.gpu(0));
        private int dataParallelDegree = 1;
        private boolean enablePrefixCaching = true;
        private KvConnectorType kvConnector = KvConnectorType.NULL;
        private @Nullable Double hostKvCacheSwapSpaceGb;
        private @Nullable Path diskOffloadDir;
        private @Nullable Double diskOffloadMaxGb;
        private @Nullable SpeculativeMethod speculativeMethod;
        private int numDraftTokens = 0;
        private HashAlgorithm hashAlgorithm = HashAlgorithm.SHA_256;
        private HashSeed hashSeed = HashSeed.ZERO;

        private Builder() {}

        private Builder(KvCacheParams from) {
            this.dtype = from.dtype;
            this.attention = from.attention;
            this.numLayers = from.numLayers;
            this.numKvHeads = from.numKvHeads;
            this.numQueryHeads = from.numQueryHeads;
            this.headDim = from.headDim;
            this.pageSize = from.pageSize;
            this.quantization = from.quantization;
            this.devices = from.devices;
            this.dataParallelDegree = from.dataParallelDegree;
            this.enablePrefixCaching = from.enablePrefixCaching;
            this.kvConnector = from.kvConnector;
            this.hostKvCacheSwapSpaceGb = from.hostKvCacheSwapSpaceGb;
            this.diskOffloadDir = from.diskOffloadDir;
            this.diskOffloadMaxGb = from.diskOffloadMaxGb;
            this.speculativeMethod = from.speculativeMethod;
            this.numDraftTokens = from.numDraftTokens;
            this.hashAlgorithm = from.hashAlgorithm;
            this.hashSeed = from.hashSeed;
        }

        /**
         * {@return this, with the element type of keys and values} Required.
         *
         * @param dtype FLOAT32, FLOAT16, BFLOAT16, FLOAT8_E4M3FN, FLOAT8_E4M3FNUZ or INT8
         */
        public Builder dtype(DType dtype) {
            this.dtype = dtype;
            return this;
        }

        /**
         * {@return this, with how keys and values are kept} Defaults to MHA.
         *
         * @param attention the kind
         */
        public Builder attention(AttentionKind attention) {
            this.attention = attention;
            return this;
        }

        /**
         * {@return this, with the layers this cache serves} Required.
         *
         * @param numLayers at least 1
         */
        public Builder numLayers(int numLayers) {
            this.numLayers = numLayers;
            return this;
        }

        /**
         * {@return this, with the KV heads of the whole model} Required for MHA. Defaults to 1 for MLA.
         *
         * @param numKvHeads at least 1
         */
        public Builder numKvHeads(int numKvHeads) {
            this.numKvHeads = numKvHeads;
            return this;
        }

        /**
         * {@return this, with the query heads of the whole model} Required for MLA. Defaults to absent.
         *
         * @param numQueryHeads at least 1
         */
        public Builder numQueryHeads(int numQueryHeads) {
            this.numQueryHeads = numQueryHeads;
            return this;
        }

        /**
         * {@return this, with the elements of one head's key, under MLA those of the latent with its rotary part} Required.
         *
         * @param headDim at least 1
         */
        public Builder headDim(int headDim) {
            this.headDim = headDim;
            return this;
        }

        /**
         * {@return this, with the tokens of one page} Defaults to 128.
         *
         * @param pageSize at least 1
         */
        public Builder pageSize(int pageSize) {
            this.pageSize = pageSize;
            return this;
        }

        /**
         * {@return this, with the scales kept beside the values} Defaults to absent.
         *
         * @param quantization the scales, or null for none
         */
        public Builder quantization(@Nullable KvCacheQuantization quantization) {
            this.quantization = quantization;
            return this;
        }

        /**
         * {@return this, with the devices of all replicas, consecutive groups for each} Defaults to {@code gpu:0}.
         *
         * @param devices distinct devices; copied
         */
        public Builder devices(List<DeviceRef> devices) {
            this.devices = List.copyOf(devices);
            return this;
        }

        /**
         * {@return this, with the number of replicas} Defaults to 1.
         *
         * @param dataParallelDegree at least 1, a divisor of the number of devices
         */
        public Builder dataParallelDegree(int dataParallelDegree) {
            this.dataParallelDegree = dataParallelDegree;
            return this;
        }

        /**
         * {@return this, with whether full pages may be found again by later sequences} Defaults to true.
         *
         * @param enablePrefixCaching true to find them
         */
        public Builder enablePrefixCaching(boolean enablePrefixCaching) {
            this.enablePrefixCaching = enablePrefixCaching;
            return this;
        }

        /**
         * {@return this, with where blocks go that leave the device} Defaults to NULL.
         *
         * @param kvConnector the connector
         */
        public Builder kvConnector(KvConnectorType kvConnector) {
            this.kvConnector = kvConnector;
            return this;
        }

        /**
         * {@return this, with the host memory for swapped blocks of one replica} Required for LOCAL and TIERED. Defaults to absent.
         *
         * @param hostKvCacheSwapSpaceGb GiB, positive, or null for none
         */
        public Builder hostKvCacheSwapSpaceGb(@Nullable Double hostKvCacheSwapSpaceGb) {
            this.hostKvCacheSwapSpaceGb = hostKvCacheSwapSpaceGb;
            return this;
        }

        /**
         * {@return this, with the folder of the disk tier} Defaults to absent.
         *
         * @param diskOffloadDir a folder, or null for none
         */
        public Builder diskOffloadDir(@Nullable Path diskOffloadDir) {
            this.diskOffloadDir = diskOffloadDir;
            return this;
        }

        /**
         * {@return this, with the disk space the disk tier may use} Defaults to absent.
         *
         * @param diskOffloadMaxGb GiB, positive, or null for none
         */
        public Builder diskOffloadMaxGb(@Nullable Double diskOffloadMaxGb) {
            this.diskOffloadMaxGb = diskOffloadMaxGb;
            return this;
        }

        /**
         * {@return this, with how draft tokens are made} Defaults to absent.
         *
         * @param speculativeMethod the method, or null for none
         */
        public Builder speculativeMethod(@Nullable SpeculativeMethod speculativeMethod) {
            this.speculativeMethod = speculativeMethod;
            return this;
        }

        /**
         * {@return this, with the draft tokens of one iteration} Defaults to 0.
         *
         * @param numDraftTokens 0 or more; more than 0 needs a method
         */
        public Builder numDraftTokens(int numDraftTokens) {
            this.numDraftTokens = numDraftTokens;
            return this;
        }

        /**
         * {@return this, with how pages are named outside the process} Defaults to SHA_256.
         *
         * @param hashAlgorithm the algorithm
         */
        public Builder hashAlgorithm(HashAlgorithm hashAlgorithm) {
            this.hashAlgorithm = hashAlgorithm;
            return this;
        }

        /**
         * {@return this, with what the hash chain starts from} Defaults to {@link HashSeed#ZERO}.
         *
         * @param hashSeed the seed
         */
        public Builder hashSeed(HashSeed hashSeed) {
            this.hashSeed = hashSeed;
            return this;
        }

        /**
         * Checks every rule and makes the value.
         *
         * @return the cache's geometry
         * @throws IllegalArgumentException naming the rule and its operands, when a value is missing or breaks a rule, or
         *     when the bytes of a block do not fit in 64 bits
         */
        public KvCacheParams build() {
            return new KvCacheParams(this);
        }

        private DType requiredDtype() {
            if (dtype == null) {
                throw new IllegalArgumentException("dtype is required, dtype=absent");
            }
            return dtype;
        }

        private int numKvHeadsOrDefault() {
            if (numKvHeads != null) {
                return numKvHeads;
            }
            if (attention == AttentionKind.MHA) {
                throw new IllegalArgumentException("numKvHeads is required, numKvHeads=absent, attention=MHA");
            }
            return 1;
        }
    }
}
