package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The Java declarations against native-stubs/driver.def, in both directions. The C compiler holds the same table against the
 * stand-in and, where there is one, the vendor's header.
 */
class DriverTableTest {

    private static final List<Class<?>> SETS = List.of(
            Driver.class, DriverVirtualMemory.class, DriverPools.class, DriverBatches12.class, DriverBatches13.class);

    private static final Map<String, String> FIELDS = Map.ofEntries(
            Map.entry("ALLOCATION_TYPE", "CUmemAllocationProp.type"),
            Map.entry("ALLOCATION_LOCATION_TYPE", "CUmemAllocationProp.location.type"),
            Map.entry("ALLOCATION_LOCATION_ID", "CUmemAllocationProp.location.id"),
            Map.entry("ACCESS_LOCATION_TYPE", "CUmemAccessDesc.location.type"),
            Map.entry("ACCESS_LOCATION_ID", "CUmemAccessDesc.location.id"),
            Map.entry("ACCESS_FLAGS", "CUmemAccessDesc.flags"),
            Map.entry("COPY_SOURCE_TYPE", "CUDA_MEMCPY2D.srcMemoryType"),
            Map.entry("COPY_SOURCE_HOST", "CUDA_MEMCPY2D.srcHost"),
            Map.entry("COPY_SOURCE_DEVICE", "CUDA_MEMCPY2D.srcDevice"),
            Map.entry("COPY_SOURCE_PITCH", "CUDA_MEMCPY2D.srcPitch"),
            Map.entry("COPY_DESTINATION_TYPE", "CUDA_MEMCPY2D.dstMemoryType"),
            Map.entry("COPY_DESTINATION_HOST", "CUDA_MEMCPY2D.dstHost"),
            Map.entry("COPY_DESTINATION_DEVICE", "CUDA_MEMCPY2D.dstDevice"),
            Map.entry("COPY_DESTINATION_PITCH", "CUDA_MEMCPY2D.dstPitch"),
            Map.entry("COPY_WIDTH", "CUDA_MEMCPY2D.WidthInBytes"),
            Map.entry("COPY_HEIGHT", "CUDA_MEMCPY2D.Height"),
            Map.entry("ATTRIBUTES_ORDER", "CUmemcpyAttributes.srcAccessOrder"));

    private static final Map<String, String> STRUCTS = Map.of(
            "ALLOCATION_BYTES", "CUmemAllocationProp",
            "ACCESS_BYTES", "CUmemAccessDesc",
            "COPY_BYTES", "CUDA_MEMCPY2D",
            "ATTRIBUTES_BYTES", "CUmemcpyAttributes");

    private final String table;

    DriverTableTest() throws IOException {
        table = Files.readString(Path.of("native-stubs", "driver.def"));
    }

    private List<MatchResult> lines(String regex) {
        return Pattern.compile("^" + regex + "$", Pattern.MULTILINE)
                .matcher(table)
                .results()
                .toList();
    }

    private Map<String, String> numbers(String regex) {
        return lines(regex).stream()
                .collect(Collectors.toMap(line -> line.group(1), line -> line.group(2), (a, b) -> b, TreeMap::new));
    }

    @Test
    void everyFunctionHasTheWidthsOfTheTable() {
        Map<String, String> widths = numbers("TYPE\\(([\\w ]+), (\\d+)\\)");
        Map<String, String> expected = new TreeMap<>();
        for (MatchResult line : lines("FUNCTION\\((\\w+), (\\w+), \\((.*)\\)\\)")) {
            List<String> parameters = new ArrayList<>();
            for (String parameter : line.group(3).split(", ", -1)) {
                parameters.add(parameter.contains("*") ? "8" : widthOf(parameter, widths));
            }
            expected.put(line.group(1) + "." + line.group(2), String.join(" ", parameters));
        }
        assertThat(expected).hasSizeGreaterThan(50);
        Map<String, String> declared = new TreeMap<>();
        for (Class<?> set : SETS) {
            for (Method method : set.getDeclaredMethods()) {
                if (Modifier.isNative(method.getModifiers())) {
                    assertThat(method.getReturnType()).isEqualTo(int.class);
                    declared.put(
                            set.getSimpleName() + "." + method.getName(),
                            Arrays.stream(method.getParameterTypes())
                                    .map(DriverTableTest::widthOf)
                                    .collect(Collectors.joining(" ")));
                }
            }
        }
        assertThat(declared).isEqualTo(expected);
    }

    private static String widthOf(String parameter, Map<String, String> widths) {
        String type = parameter.substring(0, parameter.lastIndexOf(' '));
        assertThat(widths).containsKey(type);
        return widths.get(type);
    }

    private static String widthOf(Class<?> type) {
        return type == long.class ? "8" : type == int.class ? "4" : type == byte.class ? "1" : "? " + type;
    }

    @Test
    void everyNumberIsThatOfTheTable() throws IllegalAccessException {
        Map<String, String> expected = numbers("CONSTANT\\((\\w+), (\\d+)\\)");
        Map<String, String> declared = new TreeMap<>();
        for (Field constant : Cu.class.getDeclaredFields()) {
            declared.put(constant.getName(), String.valueOf(constant.getInt(null)));
        }
        assertThat(declared).isNotEmpty();
        assertThat(expected).as("the stand-in needs some more").containsAllEntriesOf(declared);
    }

    @Test
    void everyStructureIsLaidOutAsInTheTable() throws IllegalAccessException {
        Map<String, String> expected = new TreeMap<>(numbers("STRUCT\\((\\w+), (\\d+)\\)"));
        lines("FIELD\\((\\w+), ([\\w.]+), (\\d+)\\)")
                .forEach(line -> expected.put(line.group(1) + "." + line.group(2), line.group(3)));
        Map<String, String> declared = new TreeMap<>();
        for (Field offset : Layouts.class.getDeclaredFields()) {
            String name = offset.getName();
            assertThat(FIELDS.containsKey(name) || STRUCTS.containsKey(name)).isTrue();
            declared.put(
                    FIELDS.containsKey(name) ? FIELDS.get(name) : STRUCTS.get(name),
                    String.valueOf(offset.getInt(null)));
        }
        assertThat(declared).isEqualTo(expected);
    }
}
