package io.kvflux.app;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One page with charts that needs no network.
 *
 * @param product whose report it is
 * @param title what was run
 * @param script name of the resource that makes the charts
 * @param data what they draw, as JSON
 * @param head HTML above the charts
 * @param tables HTML below them
 */
record ReportPage(String product, String title, String script, String data, String head, String tables) {

    private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/";
    private static final Pattern PLACE = Pattern.compile("\\{\\{(\\w+)}}");

    void write(OutputFile file) {
        Map<String, String> parts = Map.of(
                "product",
                Html.escape(product),
                "title",
                Html.escape(title),
                "style",
                resource(UPLOT + "dist/uPlot.min.css") + resource("report.css"),
                "uplotLicense",
                resource(UPLOT + "LICENSE"),
                "uplot",
                withoutBanner(resource(UPLOT + "dist/uPlot.iife.min.js")),
                "script",
                resource("charts.js") + resource(script),
                "data",
                data,
                "head",
                head,
                "tables",
                tables);
        try {
            file.writer().write(fill(resource("report.html"), parts));
        } catch (IOException e) {
            throw file.writeFailure(e);
        }
    }

    /** In one pass, so that nothing in a value is taken for a place. */
    private static String fill(String template, Map<String, String> parts) {
        return PLACE.matcher(template)
                .replaceAll(place -> Matcher.quoteReplacement(parts.getOrDefault(place.group(1), "")));
    }

    /** The banner names a web address; the licence is in the page, and so the page has no address at all. */
    private static String withoutBanner(String script) {
        return script.substring(script.indexOf("*/") + 2).strip();
    }

    private static String resource(String name) {
        try (InputStream stream = ReportPage.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IllegalStateException("the jar must hold " + name);
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
