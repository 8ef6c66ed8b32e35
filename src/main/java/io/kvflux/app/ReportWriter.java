package io.kvflux.app;

import io.kvflux.sim.ReplayListener;
import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.Tick;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code --report}: collects what the charts need while the replay runs, then writes one page that needs no network. */
final class ReportWriter implements ReplayListener {

    private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/";
    private static final Pattern PLACE = Pattern.compile("\\{\\{(\\w+)}}");

    private final OutputFile file;
    private final ReplaySetup setup;
    private final TickSeries series = new TickSeries();

    ReportWriter(OutputFile file, ReplaySetup setup) {
        this.file = file;
        this.setup = setup;
    }

    @Override
    public void onTick(Tick tick) {
        series.add(tick);
    }

    void write(ReplayResult result) {
        String page = page(
                "report.js",
                Html.escape(result.summary().trace()),
                ReportData.json(result, series.points(), setup.options().cacheOnly()),
                ReportHtml.head(result, setup),
                ReportHtml.tables(result, setup));
        try {
            file.writer().write(page);
        } catch (IOException e) {
            throw file.writeFailure(e);
        }
    }

    /** A page with everything in it. */
    static String page(String script, String title, String data, String head, String tables) {
        return fill(
                resource("report.html"),
                Map.of(
                        "title",
                        title,
                        "style",
                        resource(UPLOT + "dist/uPlot.min.css") + resource("report.css"),
                        "uplotLicense",
                        resource(UPLOT + "LICENSE"),
                        "uplot",
                        withoutBanner(resource(UPLOT + "dist/uPlot.iife.min.js")),
                        "script",
                        resource(script),
                        "data",
                        data,
                        "head",
                        head,
                        "tables",
                        tables));
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
        try (InputStream stream = ReportWriter.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IllegalStateException("the jar must hold " + name);
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
