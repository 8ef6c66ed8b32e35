package io.kvflux.geometry;

/** How draft tokens are made. */
public enum SpeculativeMethod {
    /** A small autoregressive head on the target's hidden states, one draft a step. */
    EAGLE,
    /** Multi-token prediction heads of the target, one draft a step. */
    MTP,
    /** A block-diffusion drafter that makes all drafts in one step. */
    DFLASH;

    /** {@return whether all drafts of an iteration are made in one step of the drafter} */
    public boolean draftsInOneStep() {
        return this == DFLASH;
    }
}
