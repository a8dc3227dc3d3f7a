package dev.chromacompactor.ecs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.telemetry.Keys;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which ECS task this is, as the task metadata endpoint says:
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
 */
public final class TaskIdentity {
    private static final Logger log = LoggerFactory.getLogger(TaskIdentity.class);
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final JsonMapper JSON = new JsonMapper();

    private TaskIdentity() {}

    /**
     * Asks once.
     *
     * @return by {@link Keys#TASK}, {@link Keys#CLUSTER}, {@link Keys#ZONE} and {@link Keys#IMAGE} (a digest), what is
     *     known; nothing outside of ECS. What cannot be read is left out: a worker works without
     */
    public static Map<String, String> read(Map<String, String> environment) {
        var base = environment.get("ECS_CONTAINER_METADATA_URI_V4");
        var known = new LinkedHashMap<String, String>();
        if (base == null || base.isBlank()) {
            return known;
        }
        try (var http = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
            var task = get(http, base + "/task");
            put(known, Keys.TASK, task.path("TaskARN"));
            put(known, Keys.CLUSTER, task.path("Cluster"));
            put(known, Keys.ZONE, task.path("AvailabilityZone"));
            put(known, Keys.IMAGE, get(http, base).path("ImageID"));
        } catch (IOException | IllegalArgumentException e) {
            log.atWarn().addKeyValue("why", e.toString()).log("task metadata not read, log lines do without");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return known;
    }

    private static JsonNode get(HttpClient http, String url) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(url)).timeout(PATIENCE).build();
        var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException(url + " answers " + answer.statusCode());
        }
        return JSON.readTree(answer.body());
    }

    private static void put(Map<String, String> known, String key, JsonNode value) {
        if (value.isTextual()) {
            known.put(key, value.textValue());
        }
    }
}
