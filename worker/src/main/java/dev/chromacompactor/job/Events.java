package dev.chromacompactor.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.batch.Published;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;

/** What goes to the results queue, if there is one. At least once. */
final class Events {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
            .defaultPropertyInclusion(
                    JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.USE_DEFAULTS))
            .build();

    private Events() {}

    static void send(Tools tools, Published published, Duration took) {
        if (tools.events() == null) {
            return;
        }
        var event = new LinkedHashMap<String, Object>();
        event.put("event", "batch_published");
        event.put("batch_id", published.batch());
        event.put("database", published.database());
        if (published.version() != null) {
            event.put("version", published.version());
            event.put(
                    "snapshot_key",
                    new SnapshotCatalog(tools.store(), published.database()).prefix(published.version()));
        }
        event.put("total_embeddings", published.totalEmbeddings());
        event.put("snapshot_embeddings", published.snapshotEmbeddings());
        event.put("processing_time_seconds", took.toMillis() / 1000.0);
        event.put("excused", published.excused());
        if (published.pollResults() != null) {
            event.put("poll_results_s3_bucket", published.pollResults().bucket());
            event.put("poll_results_s3_key", published.pollResults().key());
        }
        try {
            tools.events().send(List.of(JSON.writeValueAsString(event)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("write the event of batch " + published.batch(), e);
        }
    }
}
