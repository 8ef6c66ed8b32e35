package io.kvflux.geometry;

/**
 * Scales kept beside a quantised cache: one for every {@code granularity} elements along the head dimension.
 *
 * @param scaleDtype element type of a scale: FLOAT32, FLOAT16, BFLOAT16 or FLOAT8_E8M0FNU
 * @param granularity elements that share one scale; must divide the head dimension evenly
 */
public record KvCacheQuantization(DType scaleDtype, int granularity) {

    /** FLOAT32 scales, one for 128 elements. */
    public static final KvCacheQuantization DEFAULT = new KvCacheQuantization(DType.FLOAT32, 128);

    /**
     * Checks the values.
     *
     * @param scaleDtype element type of a scale: FLOAT32, FLOAT16, BFLOAT16 or FLOAT8_E8M0FNU
     * @param granularity elements that share one scale; must divide the head dimension evenly
     * @throws IllegalArgumentException when the type cannot hold scales or the granularity is below 1
     */
    public KvCacheQuantization {
        if (!scaleDtype.holdsScales()) {
            throw new IllegalArgumentException(
                    "scaleDtype must be FLOAT32, FLOAT16, BFLOAT16 or FLOAT8_E8M0FNU, scaleDtype=" + scaleDtype);
        }
        Check.positive("granularity", granularity);
    }
}
