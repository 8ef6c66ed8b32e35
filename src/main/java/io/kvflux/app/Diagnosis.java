package io.kvflux.app;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What was found out about one thing, such as the driver of the GPUs: a section of what {@code kvflux doctor} prints. */
final class Diagnosis {

    /** What a finding means. */
    enum Level {
        /** As it should be, or nothing to be done about. */
        OK,
        /** KvFlux works, but not all of it. */
        PROBLEM,
        /** KvFlux, or the device that was asked for, does not work. */
        FAILURE
    }

    /**
     * One line.
     *
     * @param fix what to do about a problem
     */
    record Finding(
            String name, Level level, String text, @Nullable String fix) {}

    private static final int NAME_WIDTH = 22;

    private final String heading;
    private final List<Finding> findings = new ArrayList<>();

    Diagnosis(String heading) {
        this.heading = heading;
    }

    String heading() {
        return heading;
    }

    synchronized List<Finding> findings() {
        return List.copyOf(findings);
    }

    void ok(String name, String text) {
        add(name, Level.OK, text, null);
    }

    void problem(String name, String text, @Nullable String fix) {
        add(name, Level.PROBLEM, text, fix);
    }

    void failure(String name, String text, @Nullable String fix) {
        add(name, Level.FAILURE, text, fix);
    }

    synchronized void add(String name, Level level, String text, @Nullable String fix) {
        findings.add(new Finding(name, level, oneLine(text), fix));
    }

    /** As people read it: a mark before what is wrong, and the fix behind it. */
    String text() {
        return findings().stream().map(Diagnosis::line).collect(Collectors.joining("", heading + "\n", "\n"));
    }

    private static String line(Finding finding) {
        String mark = finding.level() == Level.OK ? "  " : "! ";
        String fix = finding.fix() == null ? "" : "; to mend it, " + finding.fix();
        String name = finding.name()
                + " ".repeat(Math.max(1, NAME_WIDTH - finding.name().length()));
        return mark + name + finding.text() + fix + "\n";
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
