package dev.chromacompactor.realchroma;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.github.luben.zstd.ZstdInputStream;
import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.Entry.Live;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.Stamp;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The committed demo data are what demo.json says. */
class DemoDataTest {
    private static final Path DEMO = Path.of("src", "main", "dist", "demo");

    @TempDir
    Path scratch;

    @Test
    void every_delta_opens_or_is_refused_with_the_reason_it_is_there_for() throws IOException {
        for (JsonNode delta : demo().get("deltas")) {
            var dir = unpack(delta.get("file").asText());
            if (delta.has("reason")) {
                var refused = catchThrowableOfType(
                        FailureException.class, () -> ChromaDatabase.open(dir).close());
                assertThat(refused).as(delta.get("name").asText()).isNotNull();
                assertThat(refused.failure().reason())
                        .isEqualTo(delta.get("reason").asText());
                assertThat(refused.failure().blame()).isEqualTo(Blame.INPUT);
            }
            var whole = delta.has("repaired") ? unpack(delta.get("repaired").asText()) : dir;
            assertThat(words(whole))
                    .as(delta.get("name").asText())
                    .hasSize(delta.get("records").asInt());
        }
    }

    @Test
    void what_was_written_later_wins_and_the_oldest_level_lets_every_version_in() throws IOException {
        var demo = demo();
        var dirs = new ArrayList<Path>();
        for (JsonNode delta : demo.get("deltas")) {
            dirs.add(unpack(
                    delta.get(delta.has("repaired") ? "repaired" : "file").asText()));
        }

        var snapshot = fold(dirs);

        var words = words(snapshot);
        assertThat(words).hasSize(demo.get("records_complete").asInt());
        for (JsonNode question : demo.get("questions")) {
            for (JsonNode nearest : question.get("nearest")) {
                assertThat(requireNonNull(words.get(nearest.get("id").asText())).document())
                        .isEqualTo(nearest.get("document").asText());
            }
        }
        try (var database = ChromaDatabase.openTrusted(snapshot);
                var first = ChromaDatabase.openTrusted(dirs.getFirst())) {
            assertThat(database.level()).isEqualTo(first.level());
        }
    }

    @WithEachChroma
    void real_Chroma_opens_what_becomes_of_them(RealChroma chroma) throws IOException {
        var dirs = new ArrayList<Path>();
        for (JsonNode delta : demo().get("deltas")) {
            dirs.add(unpack(
                    delta.get(delta.has("repaired") ? "repaired" : "file").asText()));
        }

        var snapshot = fold(dirs);

        assertThat(chroma.examine(snapshot, 50, 0).problems()).isEmpty();
        assertThat(Compared.differences(snapshot, chroma.dump(snapshot))).isEmpty();
    }

    private Path fold(List<Path> dirs) throws IOException {
        var snapshot = Files.createDirectory(scratch.resolve("snapshot"));
        try (var fold = Fold.fresh(snapshot)) {
            for (var dir : dirs.reversed()) {
                try (var delta = ChromaDatabase.open(dir)) {
                    var written = delta.writtenAtMillis().orElseThrow();
                    var _ = fold.apply(delta, new Stamp(written, 0, dir.toString()), null);
                }
            }
            var _ = fold.finishSnapshot(Long.MIN_VALUE);
        }
        return snapshot;
    }

    private static Map<String, Live> words(Path dir) {
        return requireNonNull(Compared.read(dir).get("words"));
    }

    private static JsonNode demo() throws IOException {
        return new JsonMapper().readTree(DEMO.resolve("demo.json").toFile());
    }

    private Path unpack(String archive) throws IOException {
        var dir = Files.createDirectories(scratch.resolve(archive.substring(0, archive.indexOf('.'))));
        try (var file = Files.newInputStream(DEMO.resolve(archive));
                var plain = archive.endsWith(".zst") ? new ZstdInputStream(file) : new GZIPInputStream(file);
                var tar = new TarArchiveInputStream(plain)) {
            for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                var target = dir.resolve(entry.getName());
                Files.createDirectories(requireNonNull(target.getParent()));
                Files.copy(tar, target);
            }
        }
        return dir;
    }
}
