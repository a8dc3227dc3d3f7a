package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.queue.DeadLetters.Progress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

@Timeout(60)
class DeadLettersTest {
    private static final Instant FIRST_SEEN = Instant.parse("2026-11-20T00:00:00Z");

    /** This server knows all of its letters at once. */
    private static final Duration NO_WAIT = Duration.ZERO;

    private final SqsQueue dead = Queues.fresh();
    private final SqsQueue work = Queues.fresh();
    private final List<Duration> pauses = new ArrayList<>();
    private final DeadLetters letters = new DeadLetters(dead, work, InstantSource.system(), pauses::add, NO_WAIT);

    private static String body(String batch) {
        return "{\"operation\":\"process_chunk\", \"batch_id\":\"" + batch + "\",\"database\":\"words\"}";
    }

    private void bury(String batch, String reason) {
        var report = new FailureReport(
                "input",
                reason,
                "broken",
                "permanent",
                "0123456789abcdef",
                List.of(),
                0,
                List.of(),
                1,
                FIRST_SEEN,
                FIRST_SEEN,
                "original-" + batch,
                "1.0",
                List.of());
        var original = new ReceivedMessage(
                "original-" + batch,
                "handle",
                body(batch),
                Map.of("team", Queues.text("a")),
                FIRST_SEEN,
                FIRST_SEEN,
                1);
        dead.send(original.body(), LetterFormat.seal(original, report));
    }

    private static Letter.Filter reason(String reason) {
        return new Letter.Filter(null, reason, null, null, null, null, null, null);
    }

    @Test
    void listing_shows_every_letter_and_takes_none() {
        for (int i = 0; i < 25; i++) {
            bury("b-" + i, "sqlite-corrupt");
        }
        var progress = new ArrayList<Long>();

        var listed = letters.list(Letter.Filter.ALL, (done, total) -> progress.add(done));
        assertThat(listed).hasSize(25).allSatisfy(letter -> {
            assertThat(letter.reason()).isEqualTo("sqlite-corrupt");
            assertThat(letter.operation()).isEqualTo("process_chunk");
            assertThat(letter.database()).isEqualTo("words");
            assertThat(letter.attributes()).containsExactly(Map.entry("team", "a"));
        });
        assertThat(progress).endsWith(25L);
        var json = listed.getFirst().toJson();
        assertThat(json.path("reason").textValue()).isEqualTo("sqlite-corrupt");
        assertThat(json.path("class").textValue()).isEqualTo("input");
        assertThat(json.path("failure").path("first_seen").textValue()).isEqualTo("2026-11-20T00:00:00Z");
        assertThat(dead.depth()).isEqualTo(new SqsQueue.Depth(25, 0, 0));
    }

    @Test
    void every_filter_narrows() {
        bury("b-1", "sqlite-corrupt");
        bury("b-2", "index-torn");
        dead.send("not JSON", Map.of());
        var id = letters.list(reason("index-torn"), Progress.NONE).getFirst().id();

        assertThat(found(new Letter.Filter(null, null, "input", null, null, null, null, null)))
                .hasSize(2);
        assertThat(found(new Letter.Filter(null, null, null, "process_chunk", null, "words", null, null)))
                .hasSize(2);
        assertThat(found(new Letter.Filter(null, null, null, null, "b-2", null, null, null)))
                .containsExactly("index-torn");
        assertThat(found(reason("native-redrive"))).containsExactly("native-redrive");
        assertThat(found(new Letter.Filter(null, null, null, null, null, null, Duration.ofDays(1), null)))
                .isEmpty();
        assertThat(found(new Letter.Filter(null, null, null, null, null, null, null, Duration.ofDays(1))))
                .hasSize(3);
        assertThat(letters.show(id)).map(Letter::batchId).contains("b-2");
        assertThat(letters.show("original-b-1")).map(Letter::batchId).contains("b-1");
        assertThat(letters.show("nobody")).isEmpty();
    }

    private List<String> found(Letter.Filter filter) {
        return letters.list(filter, Progress.NONE).stream().map(Letter::reason).toList();
    }

    @Test
    void a_dry_run_changes_nothing() {
        bury("b-1", "sqlite-corrupt");

        var result = letters.replay(Letter.Filter.ALL, true, 100, Progress.NONE);
        assertThat(result.letters()).hasSize(1);
        assertThat(result.taken()).isZero();
        assertThat(letters.drop(Letter.Filter.ALL, true, Progress.NONE).taken()).isZero();
        assertThat(dead.depth()).isEqualTo(new SqsQueue.Depth(1, 0, 0));
        assertThat(work.depth()).isEqualTo(new SqsQueue.Depth(0, 0, 0));
    }

    @Test
    void replay_sends_body_and_attributes_back_and_takes_the_letter_out() {
        bury("b-1", "sqlite-corrupt");
        bury("b-2", "index-torn");

        assertThat(letters.replay(reason("sqlite-corrupt"), false, 100, Progress.NONE)
                        .taken())
                .isEqualTo(1);

        var back = work.receive(10, Duration.ZERO, Duration.ofMinutes(1));
        assertThat(back).singleElement().satisfies(message -> {
            assertThat(message.body()).isEqualTo(body("b-1"));
            assertThat(message.attributes()).containsOnlyKeys("team", "compactor-lineage");
            var lineage = Lineage.of(message);
            assertThat(lineage.messageId()).isEqualTo("original-b-1");
            assertThat(lineage.firstSeen()).isEqualTo(FIRST_SEEN);
            assertThat(lineage.replays()).singleElement().satisfies(replay -> {
                assertThat(replay.reason()).isEqualTo("sqlite-corrupt");
                assertThat(replay.build()).isEqualTo("1.0");
            });
        });
        assertThat(dead.depth()).isEqualTo(new SqsQueue.Depth(1, 0, 0));
    }

    @Test
    void replay_keeps_to_its_rate() {
        for (int i = 0; i < 5; i++) {
            bury("b-" + i, "sqlite-corrupt");
        }
        var stands = InstantSource.fixed(InstantSource.system().instant());
        new DeadLetters(dead, work, stands, pauses::add, NO_WAIT).replay(Letter.Filter.ALL, false, 2, Progress.NONE);

        // The clock stands still, so each letter is half a second later than the one before.
        assertThat(pauses).extracting(Duration::toMillis).containsExactly(500L, 1000L, 1500L, 2000L);
    }

    @Test
    void a_replay_that_cannot_send_leaves_the_letters_where_they_are() {
        bury("b-1", "sqlite-corrupt");
        var nowhere = new DeadLetters(
                dead, Queues.SQS.queue(work.url() + "-missing"), InstantSource.system(), pauses::add, NO_WAIT);

        assertThatThrownBy(() -> nowhere.replay(Letter.Filter.ALL, false, 100, Progress.NONE))
                .isInstanceOf(FailureException.class);
        assertThat(dead.depth()).isEqualTo(new SqsQueue.Depth(1, 0, 0));
    }

    @Test
    void drop_deletes_what_matches_only() {
        bury("b-1", "sqlite-corrupt");
        bury("b-2", "index-torn");

        assertThat(letters.drop(reason("index-torn"), false, Progress.NONE).taken())
                .isEqualTo(1);
        assertThat(found(Letter.Filter.ALL)).containsExactly("sqlite-corrupt");
        assertThat(work.depth().visible()).isZero();
    }

    @Test
    void a_letter_that_SQS_moved_by_itself_is_shown_as_such_and_can_be_replayed() {
        var arn = dead.attributes().get("QueueArn");
        var strict = Queues.fresh(Map.of(
                QueueAttributeName.REDRIVE_POLICY,
                "{\"deadLetterTargetArn\":\"" + arn + "\",\"maxReceiveCount\":\"1\"}"));
        strict.send(body("b-1"), Map.of("team", Queues.text("a")));
        var message = strict.receive(1, Duration.ZERO, Duration.ofMinutes(1)).getFirst();
        strict.changeVisibility(message.handle(), Duration.ZERO);
        assertThat(strict.receive(1, Duration.ofSeconds(1), Duration.ofMinutes(1)))
                .isEmpty();

        assertThat(letters.list(Letter.Filter.ALL, Progress.NONE))
                .singleElement()
                .satisfies(letter -> {
                    assertThat(letter.report()).isNull();
                    assertThat(letter.reason()).isEqualTo("native-redrive");
                    assertThat(letter.batchId()).isEqualTo("b-1");
                });
        letters.replay(Letter.Filter.ALL, false, 100, Progress.NONE);
        assertThat(work.receive(1, Duration.ZERO, Duration.ofMinutes(1)))
                .singleElement()
                .satisfies(back -> assertThat(back.attributes()).containsOnlyKeys("team"));
    }
}
