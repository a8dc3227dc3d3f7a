package dev.chromacompactor.message;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.telemetry.Keys;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.MDC;

class TraceTest {
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";
    private static final String ID = "5fea7756-0ea4-451a-a703-a558b933e274";

    @Test
    void a_message_is_the_next_step_of_the_trace_in_its_body() {
        var trace = Trace.of(ID, "{\"operation\":\"x\",\"traceparent\" : \"" + PARENT + "\"}", Map.of());

        assertThat(trace.traceId()).isEqualTo(TRACE);
        assertThat(trace.spanId()).matches("[0-9a-f]{16}").isNotEqualTo("b7ad6b7169203331");
    }

    @Test
    void the_attribute_counts_where_the_body_has_none() {
        assertThat(Trace.of(ID, "{}", Map.of("traceparent", PARENT)).traceId()).isEqualTo(TRACE);
        assertThat(Trace.of(
                                ID,
                                "{\"traceparent\":\"" + PARENT + "\"}",
                                Map.of("traceparent", "00-" + "1".repeat(32) + "-b7ad6b7169203331-01"))
                        .traceId())
                .isEqualTo(TRACE);
    }

    @Test
    void a_message_without_one_has_its_own_the_same_at_each_receive() {
        assertThat(Trace.of(ID, "not even JSON", Map.of()).traceId()).isEqualTo("5fea77560ea4451aa703a558b933e274");
        assertThat(Trace.of("no-uuid", "{}", Map.of()).traceId()).matches("[0-9a-f]{32}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
            })
    void what_is_no_trace_context_counts_as_none(String text) {
        assertThat(Trace.parse(text)).isEmpty();
    }

    @Test
    void stage_messages_carry_the_trace_they_are_made_in_and_logs_name_it() {
        var trace = Trace.parse(PARENT).orElseThrow();
        var body = new AtomicReference<>("");
        var logged = new AtomicReference<>("");

        trace.run(() -> {
            body.set(StageMessages.finalMerge("b-1", "words"));
            logged.set(MDC.get(Keys.TRACE_ID));
        });

        assertThat(body.get()).contains("\"traceparent\":\"" + PARENT + "\"");
        assertThat(logged.get()).isEqualTo(TRACE);
        assertThat(MDC.get(Keys.TRACE_ID)).isNull();
        assertThat(StageMessages.finalMerge("b-1", "words")).doesNotContain("traceparent");
        assertThat(MessageParser.parse(body.get(), Map.of())).isInstanceOf(Message.FinalMerge.class);
    }
}
