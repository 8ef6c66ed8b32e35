package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvTest {

    @TempDir
    Path folder;

    @Test
    void valuesWithSeparatorsAreQuoted() {
        Path path = folder.resolve("x.csv");
        try (OutputFile file = OutputFile.open("--ticks", path)) {
            Csv csv = new Csv(file, "name", "value");
            csv.row("a,b", "say \"x\"");
            csv.row("two\nlines", Double.NaN);
            csv.row("plain", 1e-7);
            file.commit();
        }
        assertThat(path).hasContent("""
                name,value
                "a,b","say ""x""\"
                "two
                lines",
                plain,0.00000010
                """);
    }
}
