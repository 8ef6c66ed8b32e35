package io.kvflux.sim;

/** How text is read that people or their tools write, in options and in files alike. */
public final class InputText {

    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private InputText() {}

    /**
     * A decimal number as people write one, with an exponent or without; none of the other forms of Java, such as 0.8f, 0x1p-1
     * or NaN.
     *
     * @param text the number, blanks around it allowed
     * @return its value, infinite where it is too large
     * @throws NumberFormatException if it is no such number
     */
    public static double decimal(String text) {
        if (!text.matches("[-+.0-9eE ]*")) {
            throw new NumberFormatException("expected a decimal number, found '" + text + "'");
        }
        return Double.parseDouble(text);
    }

    /**
     * Where the text of a file begins, after the mark with which some editors begin a file in UTF-8.
     *
     * @param bytes the first bytes of the file
     * @param size how many there are
     * @return the index of the first byte of the text
     */
    public static int begin(byte[] bytes, int size) {
        for (int i = 0; i < BYTE_ORDER_MARK.length; i++) {
            if (i == size || bytes[i] != BYTE_ORDER_MARK[i]) {
                return 0;
            }
        }
        return BYTE_ORDER_MARK.length;
    }
}
