package io.kvflux;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A package imports only lower floors, and third parties only where the table of docs/architecture.md allows them. */
class FloorsTest {

    private static final String ROOT = "io.kvflux.";
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.kvflux");

    private record Floor(int number, String... thirdParties) {}

    /** Packages by what follows {@link #ROOT}; the empty name is the root package itself. */
    private static final Map<String, Floor> FLOORS = new TreeMap<>(Map.ofEntries(
            Map.entry("geometry", new Floor(0)),
            Map.entry("api", new Floor(0)),
            Map.entry("block", new Floor(1)),
            Map.entry("memory", new Floor(1)),
            Map.entry("draft", new Floor(1)),
            Map.entry("memory.chronicle", new Floor(2, "net.openhft..", "com.sun.management..")),
            Map.entry("memory.host", new Floor(3)),
            Map.entry("memory.cuda", new Floor(3, "com.sun.jna..")),
            Map.entry("tier", new Floor(3)),
            Map.entry("tier.disk", new Floor(3)),
            Map.entry("tier.connector", new Floor(4)),
            Map.entry("core", new Floor(4)),
            Map.entry("", new Floor(5, "reactor..", "org.reactivestreams..")),
            Map.entry("metrics", new Floor(6, "io.micrometer..")),
            Map.entry("models", new Floor(6, "com.fasterxml.jackson..")),
            Map.entry("sim", new Floor(7, "com.fasterxml.jackson..", "reactor..", "org.reactivestreams..")),
            Map.entry("selftest", new Floor(7, "reactor..", "org.reactivestreams..")),
            Map.entry("soak", new Floor(8, "reactor..", "org.reactivestreams..", "com.sun.management..")),
            Map.entry(
                    "serve",
                    new Floor(8, "com.fasterxml.jackson..", "reactor..", "org.reactivestreams..", "io.netty..")),
            Map.entry(
                    "app",
                    new Floor(9, "com.fasterxml.jackson..", "picocli..", "me.tongfei.progressbar..", "reactor.."))));

    @Test
    void everyPackageHasAFloor() {
        assertThat(CLASSES.stream().map(JavaClass::getPackageName).collect(Collectors.toSet()))
                .allSatisfy(
                        name -> assertThat(FLOORS).containsKey(name.substring(Math.min(name.length(), ROOT.length()))));
    }

    @Test
    void aPackageImportsOnlyLowerFloorsAndItsThirdParties() {
        FLOORS.forEach((name, floor) -> {
            List<String> allowed = new ArrayList<>(List.of("java..", "org.jspecify..", packageOf(name)));
            allowed.addAll(List.of(floor.thirdParties()));
            FLOORS.forEach((other, below) -> {
                if (below.number() < floor.number()) {
                    allowed.add(packageOf(other));
                }
            });
            classes()
                    .that(resideInAPackage(packageOf(name)))
                    .should()
                    .onlyDependOnClassesThat(resideInAnyPackage(allowed.toArray(String[]::new)))
                    .allowEmptyShould(true)
                    .check(CLASSES);
        });
    }

    private static String packageOf(String name) {
        return name.isEmpty() ? "io.kvflux" : ROOT + name;
    }

    @Test
    void theCoreKnowsNoClockNoThreadAndNoInput() {
        noClasses()
                .that(resideInAnyPackage(
                        ROOT + "core..", ROOT + "tier", ROOT + "draft", ROOT + "block..", ROOT + "api.."))
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                        "java.io..",
                        "java.nio.file..",
                        "java.nio.channels..",
                        "java.time..",
                        "java.util.concurrent..",
                        "java.net.."))
                .orShould()
                .dependOnClassesThat()
                .belongToAnyOf(Thread.class)
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .check(CLASSES);
    }

    @Test
    void onlyTheCommandLinePrints() {
        noClasses()
                .that(not(resideInAPackage(ROOT + "app..")))
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err")
                .check(CLASSES);
    }
}
