package dev.chromacompactor.ecs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TaskIdentityTest {
    private Agent agent;

    @BeforeEach
    void start() throws IOException {
        agent = new Agent();
    }

    @AfterEach
    void stop() {
        agent.close();
    }

    private Map<String, String> read() {
        return TaskIdentity.read(
                Map.of("ECS_CONTAINER_METADATA_URI_V4", agent.uri().toString()));
    }

    @Test
    void what_the_endpoint_says_is_known() {
        // Task and container answer with different members; this one has both.
        agent.answers(
                200,
                "{\"Cluster\":\"arn:cluster/c\",\"TaskARN\":\"arn:task/c/1\",\"AvailabilityZone\":\"eu-west-1a\","
                        + "\"ImageID\":\"sha256:abc\",\"Containers\":[]}");

        assertThat(read())
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "cluster",
                        "arn:cluster/c",
                        "task",
                        "arn:task/c/1",
                        "zone",
                        "eu-west-1a",
                        "image",
                        "sha256:abc"));
        assertThat(agent.asked()).containsExactly("GET /api/x/task", "GET /api/x");
    }

    @Test
    void what_cannot_be_read_is_left_out() {
        agent.answers(500, "");
        assertThat(read()).isEmpty();
        agent.answers(200, "not JSON");
        assertThat(read()).isEmpty();
        agent.answers(200, "{\"TaskARN\":7}");
        assertThat(read()).isEmpty();
    }

    @Test
    void outside_of_ecs_nobody_is_asked() {
        assertThat(TaskIdentity.read(Map.of())).isEmpty();
        assertThat(TaskIdentity.read(Map.of("ECS_CONTAINER_METADATA_URI_V4", " ")))
                .isEmpty();
    }
}
