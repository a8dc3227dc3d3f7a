package dev.chromacompactor.realchroma;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.Entry.Live;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.MetadataValue;
import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.chroma.Stamp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What we write on top of what a version wrote, every version that could open that opens: equal records, every id, filters, recall, and
 * its own further adds after a restart.
 */
class OpensWhatWeWroteTest {
    private static final int SEED = 5;
    private static final int QUERIES = 200;
    /** More than the sync threshold of the churned collections, less than the default one. */
    private static final int SOME_MORE = 120;
    /** More than the default sync threshold. */
    private static final int MANY_MORE = 1100;

    @TempDir
    Path scratch;

    static Stream<Arguments> pairsAndSpaces() {
        return RealChroma.configured().stream()
                .flatMap(writer -> RealChroma.readersOf(writer).stream()
                        .flatMap(reader -> Stream.of(Space.values())
                                .filter(space -> writer == reader || space == Space.COSINE)
                                .map(space -> arguments(writer, reader, space))));
    }

    static Stream<Arguments> pairs() {
        return RealChroma.configured().stream()
                .flatMap(writer -> RealChroma.readersOf(writer).stream().map(reader -> arguments(writer, reader)));
    }

    @ParameterizedTest(name = "base of {0}, {2}, read by {1}")
    @MethodSource("pairsAndSpaces")
    void a_base_extended_by_deltas_equals_Chroma_upserting_them(RealChroma writer, RealChroma reader, Space space)
            throws IOException {
        var base = scratch.resolve("base");
        writer.scenario(space == Space.L2 ? "churn" : "churn_" + space.label(), base);
        var reference = copy(base, scratch.resolve("reference"));
        var snapshot = copy(base, scratch.resolve("snapshot"));
        var random = new Random(SEED);
        var intermediates = new ArrayList<Path>();
        for (int i = 0; i < 3; i++) {
            var records = records(random, 40, 16);
            var gone = List.of("w00" + i, "w06" + i, "nobody");
            var delta = scratch.resolve("delta-" + i);
            writer.upsert(delta, "words", space, records);
            writer.delete(delta, "words", gone);
            writer.upsert(reference, "words", space, records);
            writer.delete(reference, "words", gone);
            intermediates.addFirst(intermediate(scratch.resolve("intermediate-" + i), delta, i, null));
        }

        try (var fold = Fold.onto(snapshot, false, null)) {
            for (Path each : intermediates) {
                var _ = fold.applyIntermediate(each, _ -> false);
            }
            var _ = fold.finishSnapshot(Long.MIN_VALUE);
        }

        assertThat(Compared.differences(snapshot, writer.dump(reference))).isEmpty();
        assertGood(snapshot, reader, SOME_MORE);
    }

    @ParameterizedTest(name = "base of {0}, read by {1}")
    @MethodSource("pairs")
    void our_files_beside_an_index_that_grew_disturb_nobody(RealChroma writer, RealChroma reader) throws IOException {
        var snapshot = scratch.resolve("snapshot");
        writer.scenario("churn", snapshot);
        var delta = scratch.resolve("delta");
        int fresh = 0;
        var records = new ArrayList<ChromaRecord>();
        for (ChromaRecord each : records(new Random(SEED), 300, 16)) {
            records.add(new ChromaRecord("new" + fresh++, each.live()));
        }
        writer.upsert(delta, "words", Space.L2, records);
        try (var fold = Fold.onto(snapshot, false, null)) {
            var _ = fold.applyIntermediate(intermediate(scratch.resolve("intermediate"), delta, 1, null), _ -> false);
            var _ = fold.finishSnapshot(Long.MIN_VALUE);
        }
        try (var files = Files.walk(snapshot)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .contains("compactor.sidecar", "compactor.sketch");
        }

        assertGood(snapshot, reader, SOME_MORE);
    }

    @ParameterizedTest(name = "intermediate of a delta of {0}, read by {1}")
    @MethodSource("pairs")
    void an_intermediate_is_a_database_that_Chroma_opens_and_writes(RealChroma writer, RealChroma reader)
            throws IOException {
        var delta = scratch.resolve("delta");
        writer.scenario("several", delta);

        var intermediate = intermediate(scratch.resolve("intermediate"), delta, 1, null);

        try (var files = Files.list(intermediate)) {
            assertThat(files).containsExactly(intermediate.resolve("chroma.sqlite3"));
        }
        assertThat(Compared.differences(intermediate, writer.dump(delta))).isEmpty();
        assertGood(intermediate, reader, SOME_MORE);
    }

    @ParameterizedTest(name = "snapshot of a delta of {0}, read by {1}")
    @MethodSource("pairs")
    void a_first_snapshot_holds_every_type_of_value(RealChroma writer, RealChroma reader) throws IOException {
        var snapshot = firstSnapshot(writer, "all_types");

        if (writer.takesLists() && !reader.takesLists()) {
            // 1.3 does not open the delta itself, whose log has lists; it opens the snapshot and sees all but the
            // lists.
            var examination = reader.examine(snapshot, QUERIES, SOME_MORE);
            assertThat(examination.problems()).isEmpty();
            assertThat(Compared.differences(
                            requireNonNull(examination.collections().get("words")),
                            withoutLists(requireNonNull(
                                    writer.dump(scratch.resolve("delta")).get("words")))))
                    .isEmpty();
        } else {
            assertGood(snapshot, reader, SOME_MORE);
        }
    }

    @ParameterizedTest(name = "snapshot of a delta of {0}, read by {1}")
    @MethodSource("pairs")
    void adds_past_the_sync_threshold_survive_in_a_first_snapshot(RealChroma writer, RealChroma reader)
            throws IOException {
        var snapshot = firstSnapshot(writer, "indexed");

        assertGood(snapshot, reader, MANY_MORE);
    }

    @WithEachChroma
    void a_delta_with_one_collection_goes_where_the_message_says(RealChroma chroma) throws IOException {
        var delta = scratch.resolve("delta");
        chroma.scenario("churn_in_the_log", delta);
        var intermediate = intermediate(scratch.resolve("intermediate"), delta, 1, "renamed");

        var theirs = requireNonNull(chroma.dump(intermediate).get("renamed"));

        var lines = requireNonNull(chroma.dump(delta).get("lines"));
        assertThat(theirs.records().keySet()).isEqualTo(lines.records().keySet());
        assertThat(Compared.differences(intermediate, chroma.dump(intermediate)))
                .isEmpty();
    }

    private static ChromaCollection withoutLists(ChromaCollection collection) {
        var records = new TreeMap<String, ChromaRecord>();
        collection.records().forEach((id, record) -> {
            var metadata = new TreeMap<>(record.live().metadata());
            metadata.values().removeIf(MetadataValue.Many.class::isInstance);
            var live = record.live();
            records.put(id, new ChromaRecord(id, new Live(live.vector(), live.document(), metadata)));
        });
        return new ChromaCollection(collection.name(), collection.space(), records);
    }

    private Path firstSnapshot(RealChroma writer, String scenario) throws IOException {
        var delta = scratch.resolve("delta");
        writer.scenario(scenario, delta);
        var intermediate = intermediate(scratch.resolve("intermediate"), delta, 1, null);
        var snapshot = Files.createDirectory(scratch.resolve("snapshot"));
        try (var fold = Fold.fresh(snapshot)) {
            var _ = fold.applyIntermediate(intermediate, _ -> false);
            var _ = fold.finishSnapshot(Long.MIN_VALUE);
        }
        assertThat(Compared.differences(snapshot, writer.dump(delta))).isEmpty();
        return snapshot;
    }

    private static void assertGood(Path dir, RealChroma reader, int add) {
        var examination = reader.examine(dir, QUERIES, add);

        assertThat(examination.problems()).isEmpty();
        assertThat(Compared.differences(dir, examination.collections())).isEmpty();
    }

    private static Path intermediate(Path dir, Path delta, int position, @Nullable String renameTo) throws IOException {
        Files.createDirectory(dir);
        try (var fold = Fold.intermediate(dir);
                var database = ChromaDatabase.open(delta)) {
            var _ = fold.apply(database, new Stamp(1_000L * position, position, "delta-" + position), renameTo);
            var _ = fold.finishIntermediate();
        }
        return dir;
    }

    /** Some with ids of the churned collections, some with new ones. */
    private static List<ChromaRecord> records(Random random, int count, int dimension) {
        var records = new ArrayList<ChromaRecord>();
        for (int i = 0; i < count; i++) {
            var vector = new float[dimension];
            for (int d = 0; d < dimension; d++) {
                vector[d] = (float) random.nextGaussian();
            }
            var id = "w%03d".formatted(random.nextInt(200));
            records.add(new ChromaRecord(
                    id,
                    new Live(
                            vector,
                            i % 3 == 0 ? null : "changed text" + random.nextInt(9),
                            i % 5 == 0
                                    ? Map.of()
                                    : Map.of(
                                            "generation", new MetadataValue.Whole(100 + i),
                                            "share", new MetadataValue.Real(random.nextInt(64) / 64.0)))));
        }
        return records;
    }

    private static Path copy(Path from, Path to) throws IOException {
        try (var walk = Files.walk(from)) {
            for (Path each : walk.toList()) {
                Files.copy(each, to.resolve(from.relativize(each).toString()));
            }
        }
        return to;
    }
}
