package dev.chromacompactor.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;
import org.slf4j.spi.LoggingEventBuilder;

class JsonLinesTest {
    private final LoggerContext context = new LoggerContext();
    private final ListAppender<ILoggingEvent> events = new ListAppender<>();
    private final Logger logger = context.getLogger("dev.chromacompactor.job.PublishJob");

    JsonLinesTest() {
        context.setMDCAdapter(MDC.getMDCAdapter());
        events.start();
        logger.addAppender(events);
    }

    private JsonNode line(LoggingEventBuilder event, String message) throws IOException {
        event.log(message);
        var text = new String(new JsonLines().encode(events.list.getLast()), StandardCharsets.UTF_8);
        assertThat(text).endsWith("}\n").containsOnlyOnce("\n");
        return new JsonMapper().readTree(text);
    }

    @Test
    void a_line_is_one_flat_object_with_our_keys() throws IOException {
        context.putProperty(Keys.TASK, "arn:task/1");
        context.putProperty("HOSTNAME", "not ours");
        try (var _ = MDC.putCloseable(Keys.TRACE_ID, "0af7651916cd43dd8448eb211c80319c")) {
            var line = line(
                    logger.atInfo()
                            .addKeyValue(Keys.DATABASE, "words")
                            .addKeyValue(Keys.ELAPSED_MILLIS, 12L)
                            .addKeyValue(Keys.BATCH_ID, (Object) null),
                    "published");

            assertThat(line.get("log").asText()).isEqualTo("published");
            assertThat(line.get("level").asText()).isEqualTo("INFO");
            assertThat(line.get("logger").asText()).isEqualTo("PublishJob");
            assertThat(line.get("time").asText()).matches("\\d{4}-\\d\\d-\\d\\dT.*Z");
            assertThat(line.get("database").asText()).isEqualTo("words");
            assertThat(line.get("elapsed_ms").isNumber()).isTrue();
            assertThat(line.get("trace_id").asText()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
            assertThat(line.get("task").asText()).isEqualTo("arn:task/1");
            assertThat(line.has("batch_id")).isFalse();
            assertThat(line.has("HOSTNAME")).isFalse();
        }
    }

    @Test
    void a_stack_trace_and_a_line_break_stay_in_the_line() throws IOException {
        var line = line(logger.atError().setCause(new IllegalStateException("two\nlines")), "broke\nhere");

        assertThat(line.get("log").asText()).isEqualTo("broke\nhere");
        assertThat(line.get("error").asText()).contains("IllegalStateException", "JsonLinesTest");
    }
}
