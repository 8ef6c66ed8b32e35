package io.kvflux.geometry;

/** One dimension of a step input: an extent known now, or a name whose extent a step gives. */
public sealed interface Dim {

    /**
     * An extent known now.
     *
     * @param extent 0 or more
     */
    record Fixed(long extent) implements Dim {

        /**
         * Checks the extent.
         *
         * @param extent 0 or more
         * @throws IllegalArgumentException when it is negative
         */
        public Fixed {
            Check.notNegative("extent", extent);
        }

        @Override
        public String toString() {
            return Long.toString(extent);
        }
    }

    /**
     * A name; the same name means the same extent in all inputs of a step.
     *
     * @param name not blank
     */
    record Named(String name) implements Dim {

        /**
         * Checks the name.
         *
         * @param name not blank
         * @throws IllegalArgumentException when it is blank
         */
        public Named {
            if (name.isBlank()) {
                throw new IllegalArgumentException("name of a dimension must not be blank, name='" + name + "'");
            }
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
