package dev.chromacompactor.realchroma;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.chroma.ChromaDatabase;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What each version wrote, we read, record for record. */
class ReadsWhatChromaWroteTest {
    static Stream<Arguments> databases() {
        return RealChroma.configured().stream()
                .flatMap(chroma -> RealChroma.scenarios().stream().map(name -> Arguments.of(chroma, name)));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("databases")
    void every_record_of_every_collection_is_read_as_Chroma_returns_it(
            RealChroma chroma, String scenario, @TempDir Path scratch) {
        var dir = scratch.resolve("db");
        chroma.scenario(scenario, dir);
        var theirs = chroma.dump(dir);

        assertThat(Compared.differences(dir, theirs)).isEmpty();
        try (var database = ChromaDatabase.openTrusted(dir)) {
            for (var collection : database.collections()) {
                assertThat(collection.space())
                        .isEqualTo(requireNonNull(theirs.get(collection.name())).space());
            }
        }
        if (!scenario.startsWith("empt")) {
            assertThat(theirs.values())
                    .anySatisfy(collection -> assertThat(collection.records()).hasSizeGreaterThan(10));
        }
    }
}
