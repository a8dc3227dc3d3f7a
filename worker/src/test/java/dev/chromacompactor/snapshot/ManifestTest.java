package dev.chromacompactor.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Lineage.Chunk;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Lineage.Input;
import dev.chromacompactor.snapshot.Lineage.Revoked;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class ManifestTest {
    private static final String VERSION = "20261124_080000_000007_0123abcd";
    private static final Instant NOW = Instant.parse("2026-11-24T08:00:00Z");
    private static final Duration MONTH = Duration.ofDays(30);
    private static final String OLD = "20261001_000000_000003_0123abcd";

    private final ChunkName chunk = ChunkName.of("b", 0);
    private final Lineage lineage = new Lineage(
            5,
            6,
            List.of(new Chunk(chunk, "intermediate/b/chunk-0/chroma.sqlite3", "e1", OLD)),
            List.of(new Input("words/delta/a/", "id-a", 17, 3, chunk, OLD)),
            List.of(new Excuse(
                    ChunkName.of("b", 1), null, "sqlite-corrupt", "page 3", "batches/b/chunk-1.json", null, OLD)),
            new Revoked(List.of(new Chunk(ChunkName.of("r", 0), "k", "e", OLD)), List.of()));
    private final Manifest manifest = Manifests.manifest(
            new Live.None(), VERSION, List.of(new Manifest.StoredFile("chroma.sqlite3", 4, "ab")), lineage);

    @Test
    void a_manifest_reads_back_as_it_was_written() {
        assertThat(Manifest.of(VERSION, manifest.bytes(), "k")).contains(manifest);
    }

    @Test
    void its_names_are_stable() {
        assertThat(new String(manifest.bytes(), UTF_8))
                .contains(
                        "\"format\":1", "\"record_digest\":\"digest\"", "\"deletes_effective\":0", "\"sha256\":\"ab\"")
                .contains(
                        "\"name\":\"b/0\"", "\"since\":\"" + OLD + "\"", "\"metadb\":6", "\"horizon\":5", "\"born\":6")
                .doesNotContain("null");
    }

    @Test
    void unknown_fields_are_ignored() {
        String body = new String(manifest.bytes(), UTF_8).replaceFirst("\\{", "{\"tomorrow\":[1],");

        assertThat(Manifest.of(VERSION, body.getBytes(UTF_8), "k")).contains(manifest);
    }

    @Test
    void a_manifest_without_its_lineage_is_unreadable_not_empty() {
        String body = "{\"format\":1,\"database\":\"words\",\"version\":\"" + VERSION
                + "\",\"seq\":1,\"contents\":{\"records\":0}}";

        assertThatThrownBy(() -> Manifest.of(VERSION, body.getBytes(UTF_8), "some/manifest.json"))
                .isInstanceOf(FailureException.class)
                .hasMessageContaining("some/manifest.json");
    }

    @Test
    void a_file_name_cannot_leave_the_version() {
        assertThatThrownBy(() -> new Manifest.StoredFile("a/../../b", 1, "ab"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_ledger_balances_late_replays_too() {
        assertThat(new Ledger(10, 7, 2, 1, 2, 1, 1, 0, 11).balances()).isTrue();
        assertThat(new Ledger(10, 8, 2, 1, 2, 1, 1, 0, 11).balances()).isFalse();
        assertThat(new Ledger(10, 7, 2, 1, 2, 1, 1, 0, 12).balances()).isFalse();
    }

    @Test
    void a_young_database_has_no_horizon() {
        Lineage first = Lineage.EMPTY.next(VERSION, NOW, MONTH, List.of(), List.of(), List.of(), _ -> false);

        assertThat(first.born()).isEqualTo(NOW.toEpochMilli());
        assertThat(first.horizon()).isZero();
        assertThat(first.horizonAt(NOW.plus(MONTH).minusMillis(1), MONTH)).isZero();
        assertThat(first.horizonAt(NOW.plus(MONTH).plusMillis(1), MONTH)).isEqualTo(NOW.toEpochMilli() + 1);
    }

    @Test
    void the_horizon_never_goes_back() {
        var late = new Lineage(NOW.toEpochMilli(), 1, List.of(), List.of(), List.of(), Lineage.EMPTY.revoked());

        assertThat(late.horizonAt(NOW, MONTH)).isEqualTo(NOW.toEpochMilli());
    }

    @Test
    void entries_published_before_the_horizon_leave_unless_their_batch_is_open() {
        Lineage pruned = lineage.next(VERSION, NOW, MONTH, List.of(), List.of(), lineage.excused(), _ -> false);
        assertThat(pruned.chunks()).isEmpty();
        assertThat(pruned.inputs()).isEmpty();
        assertThat(pruned.excused()).isEmpty();
        assertThat(pruned.revoked().chunks()).isEmpty();

        Lineage kept =
                lineage.next(VERSION, NOW, MONTH, List.of(), List.of(), lineage.excused(), name -> name.belongsTo("b"));
        assertThat(kept.chunks()).isEqualTo(lineage.chunks());
        assertThat(kept.inputs()).isEqualTo(lineage.inputs());
        assertThat(kept.excused()).isEqualTo(lineage.excused());

        Lineage revoked =
                lineage.next(VERSION, NOW, MONTH, List.of(), List.of(), List.of(), name -> name.belongsTo("r"));
        assertThat(revoked.revoked()).isEqualTo(lineage.revoked());
        assertThat(lineage.next(
                                OLD,
                                Instant.parse("2026-10-20T00:00:00Z"),
                                MONTH,
                                List.of(),
                                List.of(),
                                List.of(),
                                _ -> false)
                        .revoked())
                .isEqualTo(lineage.revoked());
    }

    @Test
    void a_delta_that_comes_in_twice_is_listed_with_its_larger_stamp() {
        var first = new Input("words/delta/a/", "id-a", 17, 3, chunk, VERSION);
        var second = new Input("words/delta/a/", "id-a", 17, 4, ChunkName.of("c", 1), VERSION);

        Lineage next =
                Lineage.EMPTY.next(VERSION, NOW, MONTH, List.of(), List.of(second, first), List.of(), _ -> false);

        assertThat(next.inputs()).containsExactly(second);
        assertThat(next.holdsInput("words/delta/a/", "id-a")).isTrue();
        assertThat(next.holdsInput("words/delta/a/", "id-b")).isFalse();
    }

    @Test
    void chunk_names_of_one_batch_are_not_those_of_another() {
        assertThat(ChunkName.of("b", 0).belongsTo("b")).isTrue();
        assertThat(ChunkName.item("b", 0).belongsTo("b")).isTrue();
        assertThat(ChunkName.of("b2", 0).belongsTo("b")).isFalse();
        assertThat(ChunkName.anonymous("intermediate/x/chunk-0/", "e").belongsTo("intermediate"))
                .isFalse();
    }
}
