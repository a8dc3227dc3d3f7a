package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class DemoIT {
    @Test
    void an_endpoint_where_nobody_listens_is_named_and_tried_again_later() {
        var told = Program.run(Map.of(), "demo", "--on", "http://127.0.0.1:1");

        assertThat(told.code()).as(told.err()).isEqualTo(75);
        assertThat(told.err()).contains("make queues and a bucket at http://127.0.0.1:1", "demo-place-refused");
    }

    @Test
    void an_endpoint_is_a_URL() {
        var told = Program.run(Map.of(), "demo", "--on", "localstack");

        assertThat(told.code()).isEqualTo(2);
        assertThat(told.err()).contains("--on localstack", "http://127.0.0.1:4566");
    }
}
