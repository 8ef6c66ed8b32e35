package io.kvflux.selftest;

import io.kvflux.api.MediaItem;
import io.kvflux.api.SequenceSpec;
import io.kvflux.geometry.AttentionKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A small decoder-only transformer with random weights: RMSNorm (without gains), rotary positions (RoPE), grouped-query or
 * latent attention, SwiGLU. Immutable; the arithmetic is in {@link ForwardPass}, the same for every way of keeping KV.
 *
 * <p>What separates prefixes changes what this model computes, as it does in a real one: salt, adapter and media items add
 * a vector of their own to the embeddings. So KV that is shared where it must not be shows in the tokens.
 */
public final class ReferenceModel {

    /** Makes logits differ enough that draws depend on all of the context. */
    private static final double LOGIT_SCALE = 3;
    /** Makes attention prefer some tokens to others. */
    private static final double SCORE_SCALE = 2;

    /** The weights of one layer. A matrix stands input by input, so that sums over inputs run in one order, vectorised. */
    static final class Layer {
        final float[] query;
        final float[] key;
        final float[] value;
        final float[] output;
        final float[] gate;
        final float[] up;
        final float[] down;

        Layer(ReferenceShape shape, SplittableRandom random) {
            int hidden = shape.hidden();
            int inner = 2 * hidden;
            int dim = shape.headDim();
            if (shape.attention() == AttentionKind.MLA) {
                // A head's query has headDim values against the latent and as many that are rotated.
                query = matrix(random, 2 * hidden, hidden, SCORE_SCALE);
                key = matrix(random, 3 * dim, hidden, 1);
                // Per head: the latent seen as a key, then as a value.
                value = matrix(random, 2 * hidden, 2 * dim, 1);
            } else {
                query = matrix(random, hidden, hidden, SCORE_SCALE);
                key = matrix(random, shape.kvHeads() * dim, hidden, 1);
                value = matrix(random, shape.kvHeads() * dim, hidden, 1);
            }
            output = matrix(random, hidden, hidden, 1);
            gate = matrix(random, inner, hidden, 1);
            up = matrix(random, inner, hidden, 1);
            down = matrix(random, hidden, inner, 1);
        }
    }

    private final ReferenceShape shape;
    /** Of what salt, adapter and media add. */
    private final long influenceSeed;

    private final float[] embeddings;
    final Layer[] layers;
    final float[] head;

    private ReferenceModel(ReferenceShape shape, long seed, long influenceSeed) {
        this.shape = shape;
        this.influenceSeed = influenceSeed;
        SplittableRandom random = new SplittableRandom(seed);
        embeddings = matrix(random, shape.vocabulary(), shape.hidden(), Math.sqrt(shape.hidden()));
        layers = new Layer[shape.layers()];
        for (int i = 0; i < layers.length; i++) {
            layers[i] = new Layer(shape, random);
        }
        head = matrix(random, shape.vocabulary(), shape.hidden(), LOGIT_SCALE);
    }

    /**
     * A model.
     *
     * @param shape its shape
     * @param seed of its weights: the same seed gives the same weights on every machine
     * @return the model
     */
    public static ReferenceModel of(ReferenceShape shape, long seed) {
        return new ReferenceModel(shape, seed, seed);
    }

    /**
     * A model that resembles another, as a draft model does its target: it often samples the same token.
     *
     * @param model the other
     * @param distance what is added to every weight, as a multiple of a random one; 0 for the same weights
     * @param seed of what is added
     * @return the model, of the same shape
     */
    public static ReferenceModel near(ReferenceModel model, double distance, long seed) {
        ReferenceModel near = new ReferenceModel(model.shape, seed, model.influenceSeed);
        List<float[]> weights = near.weights();
        List<float[]> others = model.weights();
        for (int i = 0; i < weights.size(); i++) {
            float[] own = weights.get(i);
            for (int j = 0; j < own.length; j++) {
                own[j] = (float) (others.get(i)[j] + distance * own[j]);
            }
        }
        return near;
    }

    private List<float[]> weights() {
        List<float[]> weights = new ArrayList<>(List.of(embeddings, head));
        for (Layer layer : layers) {
            weights.addAll(
                    List.of(layer.query, layer.key, layer.value, layer.output, layer.gate, layer.up, layer.down));
        }
        return weights;
    }

    /** {@return its shape} */
    public ReferenceShape shape() {
        return shape;
    }

    /** Writes what goes into the first layer for a token of a sequence. */
    void embed(SequenceSpec spec, int position, int token, float[] into, int at) {
        int hidden = shape.hidden();
        System.arraycopy(embeddings, token * hidden, into, at, hidden);
        if (spec.salt() != null) {
            influence(spec.salt().hashCode(), 1, into, at);
        }
        if (spec.adapter() != null) {
            influence(spec.adapter().hashCode(), 2, into, at);
        }
        for (MediaItem item : spec.media()) {
            if (position >= item.offset() && position < item.end()) {
                influence(Arrays.hashCode(item.contentHash()), 3, into, at);
            }
        }
    }

    private void influence(int what, int kind, float[] into, int at) {
        long stream = Seeds.mix(Seeds.mix(influenceSeed, kind), what);
        for (int i = 0; i < shape.hidden(); i++) {
            into[at + i] += (float) (2 * Seeds.unit(Seeds.mix(stream, i)) - 1);
        }
    }

    /** Uniform weights; a unit vector comes out with values of about {@code scale}. */
    private static float[] matrix(SplittableRandom random, int outputs, int inputs, double scale) {
        float[] weights = new float[outputs * inputs];
        double bound = scale * Math.sqrt(3.0 / inputs);
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        return weights;
    }

    @Override
    public String toString() {
        return "ReferenceModel[" + shape + ", seed=" + influenceSeed + "]";
    }
}
