package dev.chromacompactor.realchroma;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.chroma.Entry.Live;
import dev.chromacompactor.chroma.MetadataValue;
import dev.chromacompactor.chroma.Space;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/** The tool itself: what it says about a database that nobody touched, and that it notices a damaged one. */
class RealChromaTest {
    private static final ChromaRecord RECORD = new ChromaRecord(
            "id é",
            new Live(
                    new float[] {0.1f, -2, 1e-20f},
                    "a document",
                    Map.of(
                            "text", new MetadataValue.Text("ü"),
                            "whole", new MetadataValue.Whole(Long.MIN_VALUE),
                            "real", new MetadataValue.Real(2),
                            "flag", new MetadataValue.Flag(false))));

    @WithEachChroma
    void gives_back_what_it_was_given(RealChroma chroma, @TempDir Path scratch) {
        var dir = scratch.resolve("db");
        chroma.upsert(dir, "words", Space.IP, List.of(RECORD));
        chroma.delete(dir, "words", List.of("nobody"));

        var words = requireNonNull(chroma.dump(dir).get("words"));

        assertThat(words.space()).isEqualTo(Space.IP);
        assertThat(words.records()).usingRecursiveComparison().isEqualTo(Map.of(RECORD.id(), RECORD));
    }

    @WithEachChroma
    void finds_nothing_wrong_with_what_it_wrote_itself(RealChroma chroma, @TempDir Path scratch) {
        var dir = scratch.resolve("db");
        chroma.scenario("several", dir);

        var examination = chroma.examine(dir, 20, 60);

        assertThat(examination.problems()).isEmpty();
        assertThat(examination.collections()).containsOnlyKeys("empty", "lines", "words");
    }

    @WithEachChroma
    void notices_an_index_that_lost_its_files(RealChroma chroma, @TempDir Path scratch) throws IOException {
        var dir = scratch.resolve("db");
        chroma.scenario("churn", dir);
        List<Path> pickles;
        try (var files = Files.walk(dir)) {
            pickles =
                    files.filter(file -> file.endsWith("index_metadata.pickle")).toList();
        }
        assertThat(pickles).hasSize(1);
        Files.delete(pickles.getFirst());

        assertThatThrownBy(
                        () -> assertThat(chroma.examine(dir, 20, 0).problems()).isEmpty())
                .isInstanceOf(AssertionError.class);
    }
}
