package dev.chromacompactor.chroma.hnsw;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NullUnmarked
class ScratchArenaTest {
    private static final long MOST = 100_000;

    @TempDir
    Path temp;

    @Test
    void what_goes_beyond_the_bound_is_as_good_as_memory_and_leaves_no_file() throws IOException {
        try (var arena = new ScratchArena(temp, MOST)) {
            var small = arena.allocate(MOST, 64);
            var large = arena.allocate(3_000_000, 64);
            var another = arena.beside().allocate(MOST, 64);

            assertThat(Stream.of(small, large, another))
                    .allSatisfy(each -> assertThat(each.address() % 64).isZero());
            assertThat(large.byteSize()).isEqualTo(3_000_000);
            assertThat(large.elements(JAVA_BYTE).mapToInt(each -> each.get(JAVA_BYTE, 0)))
                    .containsOnly(0);
            large.set(JAVA_BYTE, 2_999_999, (byte) 7);
            assertThat(large.get(JAVA_BYTE, 2_999_999)).isEqualTo((byte) 7);
            assertThat(large.isMapped()).isTrue();
            assertThat(small.isMapped() || another.isMapped()).isFalse();
            try (var files = Files.list(temp)) {
                assertThat(files).isEmpty();
            }
        }
    }

    @Test
    void nothing_can_be_used_after_close() {
        var arena = new ScratchArena(temp, MOST);
        var large = arena.allocate(2 * MOST, 8);
        arena.close();

        assertThatThrownBy(() -> large.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void a_folder_without_room_is_a_fault_of_the_machine() {
        try (var arena = new ScratchArena(temp.resolve("missing"), MOST)) {
            assertThatThrownBy(() -> arena.allocate(2 * MOST, 8))
                    .isInstanceOfSatisfying(
                            FailureException.class,
                            e -> assertThat(e.failure().reason()).isEqualTo("disk-failed"));
        }
    }
}
