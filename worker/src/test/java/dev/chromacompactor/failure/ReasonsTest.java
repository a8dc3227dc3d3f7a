package dev.chromacompactor.failure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Reasons are names that operators filter by: each one in the sources is explained in the handbook, and none that is gone. */
class ReasonsTest {
    private static final Pattern LITERAL = Pattern.compile("\"([a-z0-9]+(?:-[a-z0-9]+)+|incomplete|interrupted)\"");
    private static final Pattern ROW = Pattern.compile("^\\| `([a-z0-9-]+)` \\| [a-z]*");

    /** Literals of the same shape that are no reasons. */
    private static final Set<String> OTHERS = Set.of(
            "b-20261124",
            "chroma-compactor",
            "chroma-data",
            "compactor-attributes",
            "compactor-demo",
            "compactor-failure",
            "compactor-inspect",
            "compactor-lineage",
            "dead-letter",
            "demo-1",
            "ecs-protection",
            "hand-back",
            "lease-timer",
            "no-store",
            "not-ready",
            "put-off",
            "us-east-1",
            "x-amz-decoded-content-length");

    @Test
    void every_reason_in_the_sources_is_explained_and_no_other() throws IOException {
        assertThat(explained()).containsExactlyInAnyOrderElementsOf(used());
    }

    private static Set<String> explained() throws IOException {
        Set<String> reasons = new TreeSet<>();
        for (String line : Files.readAllLines(Path.of("..", "docs", "operations.md"))) {
            var row = ROW.matcher(line);
            if (row.find() && !isBlame(row.group(1))) {
                reasons.add(row.group(1));
            }
        }
        return reasons;
    }

    private static boolean isBlame(String text) {
        for (Blame blame : Blame.values()) {
            if (blame.label().equals(text)) {
                return true;
            }
        }
        return false;
    }

    private static Set<String> used() throws IOException {
        Set<String> reasons = new TreeSet<>();
        try (var files = Files.walk(Path.of("src", "main", "java"))) {
            for (Path file :
                    files.filter(each -> each.toString().endsWith(".java")).toList()) {
                var literals = LITERAL.matcher(Files.readString(file));
                while (literals.find()) {
                    reasons.add(literals.group(1));
                }
            }
        }
        reasons.removeAll(OTHERS);
        return reasons;
    }
}
