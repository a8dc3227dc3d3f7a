package dev.chromacompactor.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.preflight.Answer.Given;
import dev.chromacompactor.preflight.Finding.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostChecksTest {
    @TempDir
    Path directory;

    private static Finding scratch(long free) {
        return HostChecks.of(new HostFacts(Path.of("scratch"), new Given<>(free), Duration.ofSeconds(100), false))
                .getFirst();
    }

    private static Level drain(Duration drain, boolean fargate) {
        return HostChecks.of(new HostFacts(Path.of("scratch"), new Given<>(1L << 40), drain, fargate))
                .getLast()
                .level();
    }

    @Test
    void a_scratch_directory_without_room_is_refused_and_a_small_one_is_a_warning() {
        assertThat(scratch(HostChecks.LEAST_BYTES - 1))
                .extracting(Finding::level, Finding::reason)
                .containsExactly(Level.PROBLEM, "scratch-too-small");
        assertThat(scratch(HostChecks.LEAST_BYTES).level()).isEqualTo(Level.WARNING);
        assertThat(scratch(HostChecks.SCANT_BYTES).level()).isEqualTo(Level.OK);
    }

    @Test
    void a_scratch_directory_is_made_and_left_empty() throws IOException {
        Path scratch = directory.resolve("a/b");
        assertThat(HostFacts.of(scratch, Duration.ZERO, false).free()).isInstanceOf(Given.class);
        try (var left = Files.list(scratch)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void a_scratch_directory_that_cannot_be_made_is_refused() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "in the way");
        var facts = HostFacts.of(file.resolve("scratch"), Duration.ZERO, false);
        assertThat(HostChecks.of(facts).getFirst())
                .extracting(Finding::level, Finding::reason)
                .containsExactly(Level.PROBLEM, "scratch-unwritable");
    }

    @Test
    void a_drain_that_fargate_would_cut_off_is_refused() {
        assertThat(drain(Duration.ofSeconds(110), true)).isEqualTo(Level.OK);
        assertThat(drain(Duration.ofSeconds(111), true)).isEqualTo(Level.PROBLEM);
        assertThat(drain(Duration.ofHours(1), false)).isEqualTo(Level.OK);
    }
}
