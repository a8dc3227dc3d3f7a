package dev.chromacompactor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.platform.commons.annotation.Testable;
import org.junit.platform.commons.support.AnnotationSupport;

/** The page on the protocol names what can go wrong, and for each the tests that would fail. They exist. */
class HazardsPageTest {
    private static final int HAZARDS = 37;
    private static final Path PAGE = Path.of("..", "docs", "protocol.md");
    private static final Path TESTS = Path.of("src", "test", "java");
    private static final Pattern ROW = Pattern.compile("\\| (\\d+) \\| (.+) \\| (.+) \\|");
    private static final Pattern NAME = Pattern.compile("`(\\w+)\\.(\\w+)`");

    /** Tests by number of the hazard. */
    private static Map<Integer, List<String[]>> rows() throws IOException {
        var rows = new TreeMap<Integer, List<String[]>>();
        for (String line : Files.readAllLines(PAGE)) {
            var row = ROW.matcher(line);
            if (row.matches()) {
                var named = new ArrayList<String[]>();
                NAME.matcher(row.group(3))
                        .results()
                        .forEach(name -> named.add(new String[] {name.group(1), name.group(2)}));
                rows.put(Integer.valueOf(row.group(1)), named);
            }
        }
        return rows;
    }

    /** Full names of the classes in the test sources, by simple name. */
    private static Map<String, String> classes() throws IOException {
        try (var files = Files.walk(TESTS)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .map(file -> TESTS.relativize(file).toString().replace('/', '.'))
                    .map(name -> name.substring(0, name.length() - ".java".length()))
                    .filter(name -> !name.endsWith("package-info"))
                    .collect(Collectors.toMap(
                            name -> name.substring(name.lastIndexOf('.') + 1), name -> name, (a, b) -> a));
        }
    }

    @Test
    void every_hazard_has_a_test() throws IOException {
        var rows = rows();
        assertThat(rows.keySet())
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(1, HAZARDS).boxed().toList());
        rows.forEach((number, named) ->
                assertThat(named).as("tests of hazard %d", number).isNotEmpty());
    }

    @Test
    void every_test_that_the_page_names_exists() throws Exception {
        var classes = classes();
        for (var row : rows().entrySet()) {
            for (String[] name : row.getValue()) {
                String where = "hazard " + row.getKey() + ": " + name[0] + "." + name[1];
                assertThat(classes).as(where).containsKey(name[0]);
                Class<?> type = Class.forName(Objects.requireNonNull(classes.get(name[0])));
                assertThat(type.getDeclaredMethods())
                        .as(where)
                        .filteredOn(method -> AnnotationSupport.isAnnotated(method, Testable.class))
                        .extracting(Method::getName)
                        .contains(name[1]);
            }
        }
    }
}
