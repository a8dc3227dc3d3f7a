package dev.chromacompactor.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

class TextLinesTest {
    private final ListAppender<ILoggingEvent> events = new ListAppender<>();
    private final Logger logger;

    TextLinesTest() {
        var context = new LoggerContext();
        context.setMDCAdapter(MDC.getMDCAdapter());
        logger = context.getLogger("dev.chromacompactor.job.Publishing");
        events.start();
        logger.addAppender(events);
    }

    private String line() {
        return new String(new TextLines().encode(events.list.getLast()), UTF_8);
    }

    @Test
    void a_line_says_when_how_grave_who_what_and_about_what() {
        logger.atInfo()
                .addKeyValue(Keys.DATABASE, "words")
                .addKeyValue(Keys.VERSION, "v 2")
                .log("published {} of {}", 1, "2");

        assertThat(line())
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z INFO  Publishing published 1 of 2 "
                        + "database=\"words\" version=\"v 2\"\n");
    }

    @Test
    void a_stack_trace_stands_below_the_line() {
        logger.atError().setCause(new IllegalStateException("broke")).log("job failed");

        var lines = line().lines().toList();
        assertThat(lines.getFirst()).endsWith("ERROR Publishing job failed");
        assertThat(lines.get(1)).isEqualTo("java.lang.IllegalStateException: broke");
        assertThat(lines.get(2)).contains("at ", "TextLinesTest");
    }
}
