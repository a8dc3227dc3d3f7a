package dev.chromacompactor.queue;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.job.AttemptMarks;
import dev.chromacompactor.job.Delivery;
import dev.chromacompactor.job.MessageHandler;
import dev.chromacompactor.job.Outcome;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

@Timeout(60)
class ConsumerTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final String BODY = """
            {"operation":"process_chunk","batch_id":"b-1","database":"words", "note":"größe",
             "delta_results":[{"delta_key":"words/delta/a/"}]}""";

    private final SqsQueue work = Queues.fresh();
    private final SqsQueue dead = Queues.fresh();
    private final MarksInMemory marks = new MarksInMemory();
    private final List<Consumer> started = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        for (var consumer : started) {
            if (!consumer.stopped()) {
                stopQuickly(consumer, Duration.ZERO);
            }
        }
    }

    /** A stop hears the poll under way to its end, which a message brings about. */
    private Consumer.Drained stopQuickly(Consumer consumer, Duration drainTimeout) throws InterruptedException {
        Thread.ofVirtual().start(() -> {
            await().until(consumer::stopped);
            work.send(List.of("{\"wake\":true}"));
        });
        return consumer.stop(drainTimeout);
    }

    private Consumer consume(Duration visibility, int concurrency, MessageHandler handler) {
        var settings = new Consumer.Settings(concurrency, visibility, 3, SECOND, Duration.ofSeconds(2), "build-7");
        return consume(handler, settings, Gate.OPEN, dead, Duration.ofSeconds(5));
    }

    private Consumer consume(
            MessageHandler handler, Consumer.Settings settings, Gate gate, SqsQueue letters, Duration grace) {
        var consumer = new Consumer(
                work,
                letters,
                handler,
                marks,
                gate,
                Metrics.none(),
                settings,
                InstantSource.system(),
                new Timer.Threads(),
                Executors.newFixedThreadPool(
                        settings.concurrency(), Thread.ofPlatform().daemon().factory()),
                grace);
        started.add(consumer);
        consumer.start();
        return consumer;
    }

    private static long all(SqsQueue queue) {
        var depth = queue.depth();
        return depth.visible() + depth.inFlight() + depth.delayed();
    }

    private static ReceivedMessage next(SqsQueue queue) {
        return queue.receive(1, Duration.ofSeconds(10), MINUTE).getFirst();
    }

    private static Failure failure(Blame blame, String message) {
        return new Failure(blame, "some-reason", message);
    }

    private static FailureReport report(ReceivedMessage letter) {
        return Objects.requireNonNull(Letter.of(letter).report(), "a letter without a report");
    }

    @Test
    void a_message_whose_effect_is_durable_is_deleted() {
        var seen = new CopyOnWriteArrayList<Delivery>();
        consume(MINUTE, 2, delivery -> {
            seen.add(delivery);
            return new Outcome.Done("published");
        });
        work.send(BODY, Map.of("team", Queues.text("a")));

        await().until(() -> all(work) == 0 && !seen.isEmpty());
        assertThat(seen).singleElement().satisfies(delivery -> {
            assertThat(delivery.body()).isEqualTo(BODY);
            assertThat(delivery.attributes()).containsExactly(Map.entry("team", "a"));
            assertThat(delivery.receives()).isEqualTo(1);
            assertThat(delivery.attempts()).isZero();
        });
        assertThat(all(dead)).isZero();
    }

    @Test
    void it_is_idle_while_it_holds_nothing_and_the_queue_had_nothing() {
        var go = new CompletableFuture<Outcome>();
        var consumer = consume(MINUTE, 1, delivery -> go.join());
        await().until(consumer::idle);
        work.send(List.of(BODY));
        await().until(() -> !consumer.idle());
        go.complete(new Outcome.Done("done"));
        await().until(consumer::idle);
    }

    @Test
    void the_heartbeat_keeps_a_job_of_ten_times_the_visibility_to_itself() {
        var jobs = new AtomicInteger();
        MessageHandler slow = delivery -> {
            jobs.incrementAndGet();
            // The time that passes is what is tested: a real server's visibility timeout.
            await().pollDelay(10, SECONDS).atMost(12, SECONDS).until(() -> true);
            return new Outcome.Done("slow");
        };
        consume(SECOND, 1, slow);
        consume(SECOND, 1, slow);
        work.send(List.of(BODY));

        await().atMost(20, SECONDS).until(() -> jobs.get() > 0 && all(work) == 0);
        assertThat(jobs).hasValue(1);
    }

    @Test
    void poison_becomes_a_dead_letter_with_body_attributes_and_reason_at_the_first_receive() {
        consume(
                MINUTE,
                1,
                delivery -> new Outcome.DeadLetter(
                        new Failure(Blame.INPUT, "sqlite-corrupt", "read words/delta/a/chroma.sqlite3: page 3")));
        var id = work.send(BODY, Map.of("team", Queues.text("ä")));

        var letter = next(dead);
        assertThat(letter.body()).isEqualTo(BODY);
        assertThat(letter.attributes()).containsEntry("team", Queues.text("ä"));
        assertThat(report(letter)).satisfies(report -> {
            assertThat(report.blame()).isEqualTo("input");
            assertThat(report.reason()).isEqualTo("sqlite-corrupt");
            assertThat(report.message()).isEqualTo("read words/delta/a/chroma.sqlite3: page 3");
            assertThat(report.verdict()).isEqualTo("permanent");
            assertThat(report.inputKeys()).containsExactly("words/delta/a/");
            assertThat(report.attempts()).hasSize(1);
            assertThat(report.receives()).isEqualTo(1);
            assertThat(report.messageId()).isEqualTo(id);
            assertThat(report.build()).isEqualTo("build-7");
            assertThat(report.firstSeen()).isBeforeOrEqualTo(report.failedAt());
        });
        await().until(() -> all(work) == 0);
    }

    @Test
    void ten_attributes_of_the_original_survive() {
        consume(MINUTE, 1, delivery -> new Outcome.DeadLetter(failure(Blame.INPUT, "no")));
        var attributes = new HashMap<String, MessageAttributeValue>();
        for (int i = 0; i < 10; i++) {
            attributes.put("a" + i, Queues.text("value " + i));
        }
        work.send(BODY, attributes);

        var letter = next(dead);
        assertThat(letter.attributes()).hasSize(2);
        assertThat(LetterFormat.original(letter.attributes())).isEqualTo(attributes);
    }

    @Test
    void a_retry_comes_back_after_a_backoff_and_faults_of_others_are_not_counted() {
        var seen = new CopyOnWriteArrayList<Delivery>();
        consume(MINUTE, 1, delivery -> {
            seen.add(delivery);
            return seen.size() < 5
                    ? new Outcome.RetryLater(failure(Blame.DEPENDENCY, "slow down"))
                    : new Outcome.Done("at last");
        });
        work.send(List.of(BODY));

        await().atMost(30, SECONDS).until(() -> seen.size() >= 3);
        assertThat(seen).extracting(Delivery::receives).startsWith(1, 2, 3);
        assertThat(seen).extracting(Delivery::attempts).containsOnly(0);
        assertThat(all(dead)).isZero();
    }

    @Test
    void a_doubtful_input_that_fails_in_the_same_way_twice_becomes_a_dead_letter() {
        consume(MINUTE, 1, delivery -> new Outcome.RetryLater(failure(Blame.DOUBTFUL, "got 10 of 20 bytes")));
        work.send(List.of(BODY));

        assertThat(report(next(dead))).satisfies(report -> {
            assertThat(report.verdict()).isEqualTo("repeated");
            assertThat(report.blame()).isEqualTo("input");
            assertThat(report.attempts()).extracting("blame").containsExactly("doubtful", "doubtful");
            assertThat(report.attempts().get(0).at())
                    .isBefore(report.attempts().get(1).at());
        });
    }

    @Test
    void an_input_that_fails_as_often_as_allowed_becomes_a_dead_letter() {
        var seen = new CopyOnWriteArrayList<Delivery>();
        consume(MINUTE, 1, delivery -> {
            seen.add(delivery);
            return new Outcome.RetryLater(failure(Blame.INPUT, "chunk 3 is not there yet"));
        });
        work.send(List.of(BODY));

        assertThat(report(next(dead)).verdict()).isEqualTo("spent");
        assertThat(seen).extracting(Delivery::attempts).containsExactly(0, 1, 2);
    }

    @Test
    void a_handler_that_breaks_its_word_and_throws_loses_no_message() {
        consume(MINUTE, 1, delivery -> {
            throw new IllegalStateException("not foreseen");
        });
        work.send(List.of(BODY));

        assertThat(report(next(dead)).reason()).isEqualTo("unexpected-error");
        await().until(() -> all(work) == 0);
    }

    @Test
    void a_letter_that_cannot_be_sent_leaves_the_message_in_the_queue() {
        var missing = Queues.SQS.queue(dead.url() + "-missing");
        var jobs = new AtomicInteger();
        var settings = new Consumer.Settings(1, SECOND, 3, "build-7").polling(Duration.ofSeconds(2));
        MessageHandler poison = delivery -> {
            jobs.incrementAndGet();
            return new Outcome.DeadLetter(failure(Blame.INPUT, "no"));
        };
        consume(poison, settings, Gate.OPEN, missing, SECOND);
        work.send(List.of(BODY));

        await().until(() -> jobs.get() >= 2);
        assertThat(all(work)).isEqualTo(1);
    }

    @Test
    void never_more_jobs_at_once_than_allowed_and_nothing_is_fetched_ahead_of_jobs_that_take_long() {
        var now = new AtomicInteger();
        var most = new AtomicInteger();
        var done = new AtomicInteger();
        var go = new CountDownLatch(1);
        work.send(IntStream.range(0, 25).mapToObj(i -> "{\"n\":" + i + "}").toList());
        consume(MINUTE, 3, delivery -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            awaitQuietly(go);
            now.decrementAndGet();
            done.incrementAndGet();
            return new Outcome.Done("counted");
        });

        await().until(() -> now.get() == 3);
        assertThat(work.depth().inFlight()).isEqualTo(3);
        go.countDown();
        await().until(() -> done.get() == 25 && all(work) == 0);
        assertThat(most).hasValue(3);
    }

    @Test
    void a_job_whose_message_is_gone_is_interrupted() {
        var interrupted = new CountDownLatch(1);
        consume(SECOND, 1, delivery -> {
            // Somebody else got hold of the message and deleted it.
            Queues.CLIENT.purgeQueue(r -> r.queueUrl(work.url()));
            if (sleptUntilInterrupted()) {
                interrupted.countDown();
            }
            return new Outcome.DeadLetter(failure(Blame.INPUT, "an effect of the interrupt"));
        });
        work.send(List.of(BODY));

        await().until(() -> interrupted.getCount() == 0);
        await().until(() -> started.getFirst().running() == 0);
        assertThat(all(dead)).isZero();
    }

    @Test
    void a_machine_that_cannot_work_hands_back_without_spending_attempts_and_slows_down() {
        var seen = new CopyOnWriteArrayList<Delivery>();
        consume(MINUTE, 1, delivery -> {
            seen.add(delivery);
            return seen.size() < 3
                    ? new Outcome.HandBack(failure(Blame.NODE, "disk full"))
                    : new Outcome.Done("room again");
        });
        var begin = System.nanoTime();
        work.send(List.of(BODY));

        await().until(() -> seen.size() == 3 && all(work) == 0);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(1500));
        assertThat(seen).extracting(Delivery::attempts).containsOnly(0);
        assertThat(all(dead)).isZero();
    }

    @Test
    void stop_lets_running_jobs_end() throws Exception {
        var running = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var consumer = consume(MINUTE, 1, delivery -> {
            running.countDown();
            awaitQuietly(go);
            return new Outcome.Done("in time");
        });
        work.send(List.of(BODY));
        running.await();
        Thread.ofVirtual().start(() -> {
            await().until(() -> consumer.stopped());
            go.countDown();
        });

        assertThat(consumer.stop(MINUTE)).isEqualTo(new Consumer.Drained(0, 0));
        assertThat(all(work)).isZero();
    }

    @Test
    void stop_interrupts_what_takes_too_long_and_hands_it_back_at_once() throws Exception {
        var running = new CountDownLatch(1);
        var consumer = consume(MINUTE, 1, delivery -> {
            running.countDown();
            var why = sleptUntilInterrupted() ? "interrupted" : "not interrupted";
            return new Outcome.DeadLetter(failure(Blame.INPUT, why));
        });
        work.send(List.of(BODY));
        running.await();

        assertThat(consumer.stop(Duration.ofMillis(100))).isEqualTo(new Consumer.Drained(1, 0));
        assertThat(work.receive(1, Duration.ZERO, MINUTE)).hasSize(1);
        assertThat(all(dead)).isZero();
    }

    @Test
    void stop_hands_back_the_message_of_a_job_that_ignores_the_interrupt() throws Exception {
        var running = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var settings = new Consumer.Settings(1, MINUTE, 3, "build-7").polling(Duration.ofSeconds(2));
        MessageHandler deaf = delivery -> {
            running.countDown();
            awaitUninterruptibly(go);
            return new Outcome.DeadLetter(failure(Blame.INPUT, "too late to say"));
        };
        var consumer = consume(deaf, settings, Gate.OPEN, dead, Duration.ofMillis(200));
        work.send(List.of(BODY));
        running.await();

        assertThat(consumer.stop(Duration.ZERO)).isEqualTo(new Consumer.Drained(1, 1));
        assertThat(work.receive(1, Duration.ZERO, MINUTE)).hasSize(1);
        go.countDown();
        await().until(() -> consumer.running() == 0);
        assertThat(all(dead)).isZero();
    }

    @Test
    void a_machine_whose_classes_do_not_load_is_not_the_input_s_fault() {
        var seen = new CopyOnWriteArrayList<Delivery>();
        consume(MINUTE, 1, delivery -> {
            seen.add(delivery);
            if (seen.size() == 1) {
                throw new UnsatisfiedLinkError("no sqlitejdbc");
            }
            return new Outcome.Done("elsewhere");
        });
        work.send(List.of(BODY));

        await().until(() -> seen.size() == 2 && all(work) == 0);
        assertThat(seen).extracting(Delivery::attempts).containsOnly(0);
    }

    @Test
    void a_stop_hears_the_poll_under_way_and_releases_what_it_brings() throws Exception {
        var jobs = new AtomicInteger();
        var consumer = consume(MINUTE, 1, delivery -> {
            jobs.incrementAndGet();
            return new Outcome.Done("");
        });
        // One message through: from then on a poll of 20 s is under way.
        work.send(List.of(BODY));
        await().until(() -> jobs.get() == 1 && all(work) == 0);
        Thread.ofVirtual().start(() -> {
            await().until(consumer::stopped);
            work.send(List.of(BODY));
        });

        consumer.stop(MINUTE);
        assertThat(work.receive(1, Duration.ofSeconds(2), MINUTE)).hasSize(1);
        assertThat(jobs).hasValue(1);
    }

    @Test
    void what_waits_for_a_slot_is_kept_too_and_handed_back_by_a_stop_without_an_attempt() throws Exception {
        var begun = new AtomicInteger();
        var go = new CountDownLatch(1);
        var consumer = consume(Duration.ofSeconds(4), 1, delivery -> {
            // Short jobs first, so that some are fetched ahead; then one of longer than the visibility.
            if (begun.incrementAndGet() == 20) {
                awaitQuietly(go);
            }
            return new Outcome.Done("");
        });
        work.send(IntStream.range(0, 60).mapToObj(i -> "{\"n\":" + i + "}").toList());
        await().until(() -> begun.get() == 20);
        await().until(() -> work.depth().inFlight() > 1);
        var held = work.depth().inFlight();

        await().pollDelay(6, SECONDS).atMost(8, SECONDS).until(() -> true);
        assertThat(work.depth().inFlight())
                .as("nobody else could have got them")
                .isEqualTo(held);
        assertThat(consumer.health().running()).isEqualTo(1);
        Thread.ofVirtual().start(() -> {
            await().until(consumer::stopped);
            go.countDown();
        });
        consumer.stop(MINUTE);

        assertThat(begun).hasValue(20);
        assertThat(all(work)).isEqualTo(40);
        assertThat(work.depth().visible()).isEqualTo(40);
        assertThat(marks.count()).isZero();
    }

    @Test
    void what_waits_too_long_behind_a_long_job_is_left_to_other_workers() {
        var begun = new AtomicInteger();
        var go = new CountDownLatch(1);
        consume(MINUTE, 1, delivery -> {
            if (begun.incrementAndGet() == 20) {
                awaitQuietly(go);
            }
            return new Outcome.Done("");
        });
        work.send(IntStream.range(0, 60).mapToObj(i -> "{\"n\":" + i + "}").toList());
        await().until(() -> begun.get() == 20);

        await().atMost(35, SECONDS).until(() -> work.depth().inFlight() == 1);
        go.countDown();
        await().until(() -> all(work) == 0);
    }

    @Test
    void a_closed_gate_means_no_polls_and_a_poller_that_is_alive() {
        var open = new AtomicBoolean();
        var consumer = consume(
                delivery -> new Outcome.Done(""),
                new Consumer.Settings(1, MINUTE, 3, "build-7").polling(Duration.ofSeconds(2)),
                () -> open.get()
                        ? Optional.empty()
                        : Optional.of(new Gate.Closed(Duration.ofMillis(100), "paused: a test")),
                dead,
                SECOND);
        work.send(List.of(BODY));
        var begin = Instant.now();

        await().until(() -> consumer.health().lastPoll().isAfter(begin.plusSeconds(2)));
        assertThat(consumer.health().closedFor()).isEqualTo("paused: a test");
        assertThat(consumer.health().pollerAlive()).isTrue();
        assertThat(work.depth()).isEqualTo(new SqsQueue.Depth(1, 0, 0));
        open.set(true);
        await().until(() -> all(work) == 0);
        assertThat(consumer.health().closedFor()).isNull();
    }

    @Test
    void a_poller_without_room_gives_signs_of_life() throws Exception {
        var go = new CountDownLatch(1);
        var consumer = consume(MINUTE, 1, delivery -> {
            awaitQuietly(go);
            return new Outcome.Done("");
        });
        work.send(List.of(BODY));
        await().until(() -> consumer.running() == 1);
        var begin = Instant.now();

        await().until(() -> consumer.health().lastPoll().isAfter(begin.plusSeconds(5)));
        assertThat(consumer.health().lastProgress()).isBefore(begin.plusSeconds(1));
        assertThat(consumer.health().draining()).isFalse();
        go.countDown();
        consumer.stop(MINUTE);
        assertThat(consumer.health().draining()).isTrue();
        assertThat(consumer.health().pollerAlive()).isFalse();
    }

    @Test
    void a_message_that_a_worker_died_of_runs_alone() {
        var suspect = work.send(BODY, Map.of());
        var first = next(work);
        marks.open(suspect, new AttemptMarks.Mark(1, Instant.EPOCH, "build-6", null, null));
        work.changeVisibility(first.handle(), Duration.ZERO);
        work.send(IntStream.range(0, 40).mapToObj(i -> "{\"n\":" + i + "}").toList());
        var now = new AtomicInteger();
        var beside = new AtomicInteger(-1);
        var most = new AtomicInteger();
        consume(MINUTE, 4, delivery -> {
            int running = now.incrementAndGet();
            if (delivery.messageId().equals(suspect)) {
                beside.set(running - 1);
                await().pollDelay(500, MILLISECONDS).until(() -> true);
                beside.addAndGet(now.get() - 1);
            } else {
                most.accumulateAndGet(running, Math::max);
                await().pollDelay(20, MILLISECONDS).until(() -> true);
            }
            now.decrementAndGet();
            return new Outcome.Done("");
        });

        await().until(() -> all(work) == 0);
        assertThat(beside).hasValue(0);
        assertThat(most.get()).isGreaterThan(1);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                // Deaf on purpose.
            }
        }
    }

    private static boolean sleptUntilInterrupted() {
        try {
            new CountDownLatch(1).await(20, SECONDS);
            return false;
        } catch (InterruptedException e) {
            return true;
        }
    }
}
