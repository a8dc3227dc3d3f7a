package dev.chromacompactor.message;

import static dev.chromacompactor.message.Bodies.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.message.Message.DeltaRef;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class NamesTest {
    private static List<DeltaRef> deltas(String... keys) {
        return Stream.of(keys)
                .map(key -> new DeltaRef(null, key, null, null, null))
                .toList();
    }

    @Test
    void the_database_stands_before_delta() {
        assertThat(Names.databaseOf(deltas("words/delta/a/", "words/delta/b/delta.tar.gz", "delta/c/")))
                .isEqualTo("words");
        assertThat(Names.databaseOf("words/delta/delta/delta/")).isEqualTo("words");
        assertThat(Names.databaseOf("delta/delta/a/")).isEqualTo("delta");
    }

    @Test
    void none_or_several_are_refused() {
        var none = refusal(() -> Names.databaseOf(deltas("delta/c/", "a/b/delta/c/")));
        assertThat(none.reason()).isEqualTo("missing-field");
        assertThat(none.message()).startsWith("database is missing").contains("delta/c/");
        var several = refusal(() -> Names.databaseOf(deltas("words/delta/a/", "lines/delta/a/")));
        assertThat(several.reason()).isEqualTo("database-ambiguous");
        assertThat(several.message()).startsWith("database is missing").contains("lines, words");
        assertThat(refusal(() -> Names.databaseOf(List.of())).message()).startsWith("database is missing");
    }

    @Test
    void names_are_single_segments() {
        assertThat(Stream.of("b", "b-20261124", "A.b_c-1", "...", "b".repeat(128)))
                .allMatch(Names::isName);
        assertThat(Stream.of("", ".", "..", "a/b", "a b", "b\n", "ü", "b".repeat(129)))
                .noneMatch(Names::isName);
    }
}
