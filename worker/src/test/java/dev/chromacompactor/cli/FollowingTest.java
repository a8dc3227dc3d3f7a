package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Policy;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.question.Scene;
import dev.chromacompactor.snapshot.Interposed;
import dev.chromacompactor.store.ObjectStore;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class FollowingTest {
    private final Scene scene = new Scene();
    private int receiptsRead;

    private final ObjectStore store = new Interposed(scene.store) {
        @Override
        public Optional<Content> read(String key) {
            receiptsRead += key.contains("/chunk-") ? 1 : 0;
            return super.read(key);
        }
    };

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    /** At each look ten seconds have passed and the next thing has happened. */
    private int follow(boolean terminal, boolean json, boolean events, String batch, List<Runnable> steps)
            throws InterruptedException {
        var context = new Context(
                Map.of(),
                new PrintStream(out, true, UTF_8),
                new PrintStream(err, true, UTF_8),
                terminal,
                () -> scene.now);
        var output = new Output(context);
        if (json) {
            var _ = new CommandLine(output).parseArgs("--json");
        }
        var left = new ArrayList<>(steps);
        return new Following(store, batch, output, events, () -> scene.now, _ -> {
                    scene.pass(Duration.ofSeconds(10));
                    assertThat(left).as("looks on, though it should be over").isNotEmpty();
                    left.removeFirst().run();
                })
                .untilOver();
    }

    private Plan four() {
        return scene.enqueue("b-1", Policy.PUBLISH, "a", "b", "c", "d");
    }

    private List<Runnable> story(Plan plan) {
        return List.of(
                () -> scene.done(plan, 0),
                () -> scene.done(plan, 1),
                () -> {},
                () -> scene.done(plan, 2),
                () -> scene.done(plan, 3),
                () -> scene.publish(plan));
    }

    @Test
    void a_terminal_sees_one_line_that_changes_with_the_time_that_is_left() throws Exception {
        Plan plan = four();

        assertThat(follow(true, false, false, "b-1", story(plan))).isZero();

        assertThat(err.toString(UTF_8))
                .contains("\r\033[K0 of 4 chunks folded\r")
                .contains("2 of 4 chunks folded, about 20 s left\r")
                .as("nothing came for a while")
                .contains("2 of 4 chunks folded, about 30 s left\r")
                .contains("3 of 4 chunks folded, about 13 s left\r")
                .contains("4 of 4 chunks folded, being published\r")
                .doesNotContain("\n");
        assertThat(out.toString(UTF_8)).isEqualTo("batch b-1: 4 of 4 chunks published\n");
    }

    @Test
    void a_file_gets_a_line_for_each_change() throws Exception {
        Plan plan = four();

        assertThat(follow(false, false, true, "b-1", story(plan))).isZero();

        assertThat(err.toString(UTF_8)).isEmpty();
        assertThat(out.toString(UTF_8)).isEqualTo("""
                0 of 4 chunks folded
                1 of 4 chunks folded, about 30 s left
                2 of 4 chunks folded, about 20 s left
                3 of 4 chunks folded, about 13 s left
                4 of 4 chunks folded, being published
                batch b-1: 4 of 4 chunks published
                """);
    }

    @Test
    void a_machine_gets_an_event_for_each_change_or_the_end_alone() throws Exception {
        Plan plan = four();

        assertThat(follow(false, true, true, "b-1", story(plan))).isZero();

        List<JsonNode> events = new ArrayList<>();
        for (String line : out.toString(UTF_8).lines().toList()) {
            events.add(JsonMapper.builder().build().readTree(line));
        }
        assertThat(events).hasSize(6);
        assertThat(events.get(2).toString())
                .isEqualTo("{\"event\":\"progress\",\"batch_id\":\"b-1\",\"state\":\"waiting-for-chunks\",\"chunks\":4,"
                        + "\"settled\":2,\"failed\":0,\"inside\":0,\"seconds_left\":20}");
        assertThat(events.getLast().get("event").asText()).isEqualTo("end");
        assertThat(events.getLast().get("state").asText()).isEqualTo("inside");

        out.reset();
        assertThat(follow(false, true, false, "b-1", List.of())).isZero();
        assertThat(out.toString(UTF_8).lines()).hasSize(1);
    }

    @Test
    void while_a_batch_has_only_to_be_published_its_receipts_are_not_read_again() throws Exception {
        Plan plan = scene.enqueue("b-1", Policy.PUBLISH, "a", "b");
        var read = new ArrayList<Integer>();
        Runnable nothing = () -> read.add(receiptsRead);

        assertThat(follow(
                        false,
                        false,
                        true,
                        "b-1",
                        List.of(
                                () -> scene.done(plan, 0),
                                () -> scene.done(plan, 1),
                                nothing,
                                nothing,
                                nothing,
                                () -> scene.publish(plan))))
                .isZero();

        assertThat(read).hasSize(3).containsOnly(read.getFirst());
    }

    @Test
    void what_is_not_inside_at_the_end_is_named_with_what_to_do() throws Exception {
        Plan plan = scene.enqueue("b-1", Policy.PUBLISH, "a", "b");

        int code = follow(
                false,
                false,
                true,
                "b-1",
                List.of(() -> scene.failed(plan, 0), () -> scene.done(plan, 1), () -> scene.publish(plan)));

        assertThat(code).isEqualTo(ExitCode.FOUND_SOMETHING);
        assertThat(out.toString(UTF_8))
                .contains("1 of 2 chunks folded, 1 failed, being published\n")
                .endsWith("""
                        batch b-1: 1 of 2 chunks published
                          not inside: b-1/0: sqlite-corrupt: page 3 is torn
                        to do: mend the input, then: compactor dlq replay --batch b-1 --yes
                        """);
    }

    @Test
    void what_a_rollback_took_out_is_not_waited_for() throws Exception {
        scene.published("b-1", Policy.PUBLISH, "a");
        scene.rollBack(dev.chromacompactor.snapshot.ChunkName.of("b-1", 0));

        assertThat(follow(false, false, true, "b-1", List.of())).isEqualTo(ExitCode.FOUND_SOMETHING);
        assertThat(out.toString(UTF_8)).contains("taken out by a rollback", "snapshot release");
    }

    @Test
    void nobody_follows_a_batch_that_there_is_not() {
        assertThatThrownBy(() -> follow(false, false, true, "b-9", List.of()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo("batch-unknown"));
    }
}
