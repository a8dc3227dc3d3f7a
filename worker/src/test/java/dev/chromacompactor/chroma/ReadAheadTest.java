package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is wrong with a delta shows in its turn, and nothing is left open or running, however a fold ends. */
class ReadAheadTest {
    @TempDir
    Path temp;

    private List<Path> deltas = List.of();

    @BeforeEach
    void unpack() {
        deltas = Stream.of("first", "second", "third", "fourth")
                .map(name -> ChromaFixtures.unpack("1.5.9", "persisted", temp.resolve(name)))
                .collect(Collectors.toCollection(ArrayList::new));
    }

    private ReadAhead reading(Fold fold, int atOnce) {
        return fold.reading(
                deltas.stream().map(each -> new ReadAhead.Source(each, null)).toList(), atOnce);
    }

    private static void apply(Fold fold, ReadAhead reading, int position) {
        try (var delta = reading.next()) {
            fold.apply(delta, new Stamp(1, position, "delta"), null);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 9})
    void a_bad_delta_shows_in_its_turn(int atOnce) throws Exception {
        Damage.sql("DELETE FROM embeddings WHERE id = 1").to(deltas.get(2));

        try (var fold = Fold.fresh(temp.resolve(""));
                var reading = reading(fold, atOnce)) {
            apply(fold, reading, 0);
            apply(fold, reading, 1);
            assertThatThrownBy(() -> apply(fold, reading, 2))
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.failure().reason()).isEqualTo("ids-disagree"));
        }

        assertNothingIsLeft();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 9})
    void what_was_read_in_vain_is_closed(int atOnce) {
        try (var fold = Fold.fresh(temp.resolve(""));
                var reading = reading(fold, atOnce)) {
            apply(fold, reading, 0);
        }

        assertNothingIsLeft();
    }

    @Test
    void deltas_are_read_while_the_base_is_still_on_its_way() throws Exception {
        Path base = deltas.removeFirst();
        Path onto = Files.createDirectories(temp.resolve("onto"));

        try (var fold = Fold.expecting(onto);
                var reading = fold.reading(
                        deltas.stream()
                                .map(each -> new ReadAhead.Source(() -> ChromaDatabase.openChecked(each), null))
                                .toList(),
                        2,
                        deltas.size())) {
            try (var first = reading.next()) {
                Seal.copy(base, onto);
                fold.begin(false, null);
                fold.apply(first, new Stamp(1, 0, "delta"), null);
            }
            apply(fold, reading, 1);
            apply(fold, reading, 2);
            fold.finishSnapshot(0);
        }

        try (var expected = ChromaDatabase.open(base);
                var found = ChromaDatabase.open(onto)) {
            assertThat(RecordDigest.of(found)).isEqualTo(RecordDigest.of(expected));
        }
        assertNothingIsLeft();
    }

    private void assertNothingIsLeft() {
        assertThat(OpenFiles.of(deltas.stream()
                        .map(each -> each.resolve(SqliteFile.NAME))
                        .toList()))
                .isEmpty();
    }
}
