package io.kvflux.app;

/** Text made safe for HTML. */
final class Html {

    private Html() {}

    /** For text and for quoted attributes. */
    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }
}
