package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OutputTest {
    private enum Colour {
        DARK_RED
    }

    private record Value(
            Instant lastSeen,
            Path inDirectory,
            Colour colour,
            @Nullable String unknown) {}

    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private Instant now = Instant.parse("2026-11-24T08:00:00Z");

    private Output output(boolean terminal) {
        var nowhere = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
        return new Output(new Context(
                Map.of(), nowhere, new PrintStream(err, true, StandardCharsets.UTF_8), terminal, () -> now));
    }

    private String seen() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void json_has_snake_case_keys_iso_times_lower_case_enums_and_every_key() {
        assertThat(Output.toJson(new Value(now, Path.of("a/b"), Colour.DARK_RED, null)))
                .isEqualTo("""
                        {"last_seen":"2026-11-24T08:00:00Z","in_directory":"a/b","colour":"dark_red","unknown":null}""");
    }

    @Test
    void progress_begins_after_a_second_and_goes_away_before_the_answer() {
        var output = output(true);

        output.progress("reading", 1, 3);
        assertThat(seen()).isEmpty();

        now = now.plus(Duration.ofSeconds(2));
        output.progress("reading", 2, 3);
        assertThat(seen()).contains("reading 2/3");

        output.result("answer", "answer");
        assertThat(seen()).endsWith("\r\033[K");
    }

    @Test
    void nobody_but_a_terminal_sees_progress() {
        var output = output(false);

        output.step("downloading");
        output.progress("reading", 1, 3);
        now = now.plus(Duration.ofSeconds(2));
        output.progress("reading", 2, 3);

        assertThat(seen()).isEmpty();
    }
}
