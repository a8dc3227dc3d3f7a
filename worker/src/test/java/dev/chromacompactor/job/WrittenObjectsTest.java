package dev.chromacompactor.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.Schemas;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.producer.Chunking;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.Keep;
import dev.chromacompactor.snapshot.Pins;
import dev.chromacompactor.snapshot.VersionCollector;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All that jobs write for others to read, and send, is what its schema in {@code docs/schemas} says, field for field. */
class WrittenObjectsTest {
    private static final Instant MONDAY = Instant.parse("2026-11-02T08:00:00Z");
    private static final Map<String, String> SCHEMAS = Map.of(
            "batches/[^/]+/plan.json", "plan",
            "batches/[^/]+/(chunk|group)-\\d+.json", "receipt",
            "batches/[^/]+/published.json", "published",
            "words/snapshot/claim.json", "claim",
            "words/snapshot/gc.json", "doomed",
            "words/snapshot/pins/[^/]+", "pin",
            "words/snapshot/timestamped/[^/]+/manifest.json", "manifest");

    @TempDir
    Path scratch;

    private MemoryObjectStore store;
    private Workplace work;

    @BeforeEach
    void open() {
        store = new MemoryObjectStore("bucket", () -> MONDAY.plusSeconds(86_400));
        work = new Workplace(store, scratch);
    }

    private String delta(String name, int minute) {
        String key = "words/delta/" + name + "/";
        var _ = SmallDelta.writtenAt(MONDAY.plusSeconds(60L * minute))
                .upsert(name, minute, "k", 1)
                .upsert("all", minute)
                .delete("nobody")
                .put(store, key, scratch);
        return key;
    }

    private String broken(String name) {
        String key = "words/delta/" + name + "/";
        var _ = store.put(key + "chroma.sqlite3", "not a database".getBytes(StandardCharsets.UTF_8));
        return key;
    }

    private void enqueue(String batch, Policy policy, String... keys) {
        enqueue(batch, Chunking.DEFAULT.withDeltas(1), policy, keys);
    }

    private void enqueue(String batch, Chunking chunking, Policy policy, String... keys) {
        var producer = new Producer(store, "words");
        var plan = producer.plan(batch, Stream.of(keys).map(producer::named).toList(), chunking, policy, "words");
        producer.send(plan, work.sent::addAll);
        carryOn();
    }

    private void send(String body) {
        work.sent.add(body.replace('\'', '"'));
        carryOn();
    }

    private void carryOn() {
        while (!work.sent.isEmpty()) {
            String body = work.sent.removeFirst();
            assertThat(work.deliver(body))
                    .as(body)
                    .isInstanceOfAny(Outcome.Done.class, Outcome.DeadLetter.class, Outcome.RetryLater.class);
        }
    }

    private String chunk(String batch, int index, String delta) {
        return "{'operation':'process_chunk','batch_id':'" + batch + "','chunk_index':" + index
                + ",'database':'words','delta_results':[{'delta_key':'" + delta
                + "','embedding_count':7,'collection':'words','stamp':'2026-11-02T08:00:00Z'}]}";
    }

    @Test
    void plans_receipts_manifests_and_events_are_as_their_schemas_say() {
        enqueue("planned", Policy.PUBLISH, delta("a", 0), broken("b"));
        enqueue("held", Policy.HOLD, delta("c", 1));
        enqueue(
                "grouped",
                Chunking.DEFAULT.withDeltas(1).withGroup(2),
                Policy.PUBLISH,
                IntStream.range(0, 5).mapToObj(i -> delta("grouped" + i, i)).toArray(String[]::new));
        send(chunk("counted", 0, delta("d", 2)));
        send("{'operation':'final_merge','batch_id':'counted','database':'words','total_chunks':1,"
                + "'poll_results_s3_bucket':'bucket','poll_results_s3_key':'polls/1.json'}");
        send(chunk("listed", 0, delta("e", 3)));
        send(chunk("listed", 1, broken("f")));
        send("{'operation':'process_chunk','batch_id':'listed','chunk_index':2,'database':'words','delta_results':[]}");
        send("{'operation':'merge_chunk_group','batch_id':'listed-group-0','group_index':0,'database':'words',"
                + "'chunk_group':['intermediate/listed/chunk-0/']}");
        send("{'operation':'final_merge','batch_id':'listed','database':'words','poll_results_s3_key':'polls/2.json',"
                + "'chunk_results':['intermediate/listed-group-0-group-0/merged/',{'empty':true},{'statusCode':500}]}");
        send("{'delta_key':'" + delta("g", 4) + "','collection':'words','database':'words'}");

        var _ = new Pins(store, "words").pin(new Pins.Pin(work.live("words").version(), "a test", "nobody", MONDAY));
        dieWhileCollecting();

        var met = new TreeSet<String>();
        for (var object : store.list("")) {
            SCHEMAS.forEach((keys, schema) -> {
                if (object.key().matches(keys)) {
                    met.add(schema);
                    var json = tree(object.key());
                    assertThat(Schemas.problemsOfOurs(schema, json))
                            .as("%s %s", object.key(), json)
                            .isEmpty();
                }
            });
            assertThat(object.key().endsWith(".json")
                            && SCHEMAS.keySet().stream().noneMatch(object.key()::matches))
                    .as("no schema for %s", object.key())
                    .isFalse();
        }
        assertThat(met).containsExactlyInAnyOrderElementsOf(SCHEMAS.values());
        assertThat(work.events)
                .hasSizeGreaterThan(4)
                .allSatisfy(event -> assertThat(Schemas.problemsOfOurs("event", event))
                        .as(event.toString())
                        .isEmpty());
        itWasWorthLooking();
    }

    /** With versions doomed: else the list would be empty. */
    private void dieWhileCollecting() {
        store.onCall(call -> {
            if (call.kind() == Kind.DELETE) {
                throw new AssertionError("killed");
            }
        });
        var collector = new VersionCollector(store, "words", new Keep(1, Duration.ZERO));
        assertThatThrownBy(() -> collector.collect((_, _, _) -> {})).hasMessage("killed");
        store.onCall(_ -> {});
    }

    /** Nothing above was valid only because it was empty. */
    private void itWasWorthLooking() {
        var origins = new EnumMap<Plan.Origin, Integer>(Plan.Origin.class);
        var kinds = new TreeSet<String>();
        for (String batch : List.of("planned", "held", "counted", "listed")) {
            var plan = tree("batches/" + batch + "/plan.json");
            origins.merge(Plan.Origin.valueOf(plan.path("origin").asText().toUpperCase(Locale.ROOT)), 1, Integer::sum);
            plan.path("parts").forEach(part -> kinds.add(part.path("kind").asText()));
        }
        assertThat(origins).containsOnlyKeys(Plan.Origin.values());
        assertThat(kinds).contains("deltas", "chunk", "elsewhere", "empty", "failed");
        var excused = new ArrayList<JsonNode>();
        work.events.forEach(event -> event.path("excused").forEach(excused::add));
        assertThat(excused).isNotEmpty();
        assertThat(tree("batches/planned/chunk-1.json")
                        .path("failure")
                        .path("reason")
                        .asText())
                .startsWith("sqlite-");
        assertThat(tree("batches/listed/chunk-0.json").path("warnings")).isNotEmpty();
        assertThat(work.events.stream().filter(event -> event.has("poll_results_s3_key")))
                .isNotEmpty();
    }

    @Test
    void messages_of_our_own_are_valid() {
        for (String body : List.of(
                StageMessages.processChunk("b", 1, "words"),
                StageMessages.mergeGroup("b", 2, "words"),
                StageMessages.finalMerge("b", "words"))) {
            assertThat(Schemas.problems("message", Workplace.tree(body)))
                    .as(body)
                    .isEmpty();
        }
    }

    private JsonNode tree(String key) {
        return Workplace.tree(new String(store.read(key).orElseThrow().bytes(), StandardCharsets.UTF_8));
    }
}
