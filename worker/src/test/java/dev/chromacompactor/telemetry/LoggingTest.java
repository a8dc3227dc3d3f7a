package dev.chromacompactor.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What our processes write to standard error. */
class LoggingTest {
    private final PrintStream errors = System.err;
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();

    @BeforeEach
    void listen() {
        System.setErr(new PrintStream(written, true, UTF_8));
    }

    @AfterEach
    void leave() {
        System.setErr(errors);
        System.clearProperty("compactor.log.level");
        System.clearProperty("compactor.log.form");
    }

    /** Of a process that says two things; it is set up before its first logger, as ours are. */
    private String log() {
        var process = new Logging.Provider();
        process.initialize();
        process.getMDCAdapter().put(Keys.TRACE_ID, "0af7");
        var logger = process.getLoggerFactory().getLogger("dev.chromacompactor.queue.Poller");
        logger.atInfo().addKeyValue(Keys.RECEIVES, 3).log("polled");
        logger.atWarn().addKeyValue(Keys.REASON, "sqs-unavailable").log("poll failed");
        return written.toString(UTF_8);
    }

    @Test
    void a_command_says_in_text_what_may_be_a_fault_and_nothing_else() {
        assertThat(log())
                .endsWith("Z WARN  Poller poll failed reason=\"sqs-unavailable\"\n")
                .hasLineCount(1);
    }

    @Test
    void a_worker_tells_what_it_does_a_JSON_object_a_line() throws IOException {
        Logging.tell("json");

        var lines = log().lines().toList();

        assertThat(lines).hasSize(2);
        var first = new JsonMapper().readTree(lines.getFirst());
        assertThat(first.get("log").asText()).isEqualTo("polled");
        assertThat(first.get("level").asText()).isEqualTo("INFO");
        assertThat(first.get("receives").asInt()).isEqualTo(3);
        assertThat(first.get("trace_id").asText()).isEqualTo("0af7");
        assertThat(new JsonMapper().readTree(lines.getLast()).get("reason").asText())
                .isEqualTo("sqs-unavailable");
    }

    @Test
    void a_worker_for_people_tells_the_same_in_text() {
        Logging.tell("text");

        assertThat(log().lines()).hasSize(2).first().asString().endsWith("Z INFO  Poller polled receives=\"3\"");
    }
}
