package io.kvflux.selftest;

/** Numbers that follow from other numbers and look random: the finaliser of SplitMix64 (G. Steele et al., OOPSLA 2014). */
final class Seeds {

    private Seeds() {}

    static long mix(long seed, long what) {
        long z = seed + (what + 1) * 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /** In [0, 1). */
    static double unit(long bits) {
        return (bits >>> 11) * 0x1p-53;
    }
}
