package io.kvflux.app;

import java.io.PrintWriter;
import java.io.StringWriter;

/** Runs the command line in this process. */
final class Cli {

    private Cli() {}

    record Outcome(int code, String out, String err) {}

    static Outcome run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), new Interruption(), args);
        return new Outcome(code, out.toString(), err.toString());
    }
}
