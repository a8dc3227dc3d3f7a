package dev.chromacompactor.ecs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.telemetry.Metrics;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scale-in protection of the task while it has work: PUT {@code $ECS_AGENT_URI/task-protection/v1/state},
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
 *
 * <p>Called when the first job begins, when no job has run for a moment, and before a protection ends that is still needed;
 * not for each job. Calls are bounded, made on a thread of their own, and whatever becomes of them, jobs neither wait for them
 * nor fail by them: a task that is taken away all the same hands its work back.
 */
public final class Protection implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Protection.class);

    /** So that a pause between two jobs is no edge: the agent's calls are rate limited. */
    static final Duration LINGER = Duration.ofSeconds(15);

    static final Duration FIRST_PAUSE = Duration.ofSeconds(15);
    static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);
    /** ECS takes no longer one. */
    private static final Duration LONGEST_EXPIRY = Duration.ofDays(2);

    private static final Duration LEAST_EXPIRY = Duration.ofMinutes(30);
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final JsonMapper JSON = new JsonMapper();

    private final URI state;
    private final Duration expiry;
    private final Duration patience;
    private final InstantSource clock;
    private final Metrics metrics;
    private final HttpClient http;
    private final Thread caller = Thread.ofVirtual().name("ecs-protection").unstarted(this::callWhenDue);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private int jobs;
    /** How often a job began or ended. */
    private long edges;

    private Instant idleSince;

    // Only the thread that calls looks at these.
    private @Nullable Instant protectedUntil;
    private Instant notBefore = Instant.MIN;
    private Duration pause = FIRST_PAUSE;

    /** @param expiry after which a protection that nobody renews ends; renewed at half of it */
    Protection(URI agent, Duration expiry, Duration patience, InstantSource clock, Metrics metrics) {
        this.state = URI.create(agent + "/task-protection/v1/state");
        this.expiry = expiry;
        this.patience = patience;
        this.clock = clock;
        this.metrics = metrics;
        this.idleSince = clock.instant();
        this.http = HttpClient.newBuilder().connectTimeout(patience).build();
    }

    /**
     * Outside of ECS there is none.
     *
     * @param visibility of messages: the protection outlasts it
     */
    public static Optional<Protection> of(
            Map<String, String> environment, Duration visibility, InstantSource clock, Metrics metrics) {
        var agent = environment.get("ECS_AGENT_URI");
        if (agent == null || agent.isBlank()) {
            return Optional.empty();
        }
        var twice = visibility.multipliedBy(2);
        var expiry = twice.compareTo(LEAST_EXPIRY) < 0 ? LEAST_EXPIRY : twice;
        return Optional.of(new Protection(
                URI.create(agent),
                expiry.compareTo(LONGEST_EXPIRY) > 0 ? LONGEST_EXPIRY : expiry,
                PATIENCE,
                clock,
                metrics));
    }

    public void start() {
        caller.start();
    }

    /** A job begins; it has ended when the result is closed. Neither waits for anything. */
    public Job job() {
        count(1);
        return new Job();
    }

    /** One job that runs. */
    public final class Job implements AutoCloseable {
        private Job() {}

        @Override
        public void close() {
            count(-1);
        }
    }

    /** No more calls. A protection ends with its task. */
    @Override
    public void close() {
        caller.interrupt();
        http.shutdownNow();
    }

    private void count(int change) {
        lock.lock();
        try {
            jobs += change;
            edges++;
            if (jobs == 0) {
                idleSince = clock.instant();
            }
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    private void callWhenDue() {
        try {
            while (true) {
                long seen = edges();
                var rest = callIfDue();
                lock.lockInterruptibly();
                try {
                    // What happened since it was looked at woke nobody.
                    if (edges == seen && rest.isPositive()) {
                        var _ = changed.await(rest.toMillis() + 1, TimeUnit.MILLISECONDS);
                    }
                } finally {
                    lock.unlock();
                }
            }
        } catch (InterruptedException e) {
            // Only close() interrupts.
        }
    }

    private long edges() {
        lock.lock();
        try {
            return edges;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Makes the call that is due now, if there is one.
     *
     * @return how long there is nothing to do unless a job begins or the last one ends
     */
    Duration callIfDue() throws InterruptedException {
        var now = clock.instant();
        Due due = due(now);
        if (due.at().isAfter(now)) {
            return Duration.between(now, due.at());
        }
        boolean done = call(due.protect());
        metrics.protectionCalled(done);
        if (done) {
            // From before the call: ECS counts from some time during it.
            protectedUntil = due.protect() ? now.plus(expiry) : null;
            notBefore = Instant.MIN;
            pause = FIRST_PAUSE;
        } else {
            notBefore = clock.instant().plus(pause);
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        }
        return Duration.ZERO;
    }

    /** @param protect what to ask for; else to end the protection */
    private record Due(boolean protect, Instant at) {}

    private Due due(Instant now) {
        if (protectedUntil != null && !now.isBefore(protectedUntil)) {
            protectedUntil = null;
        }
        boolean busy;
        Instant idle;
        lock.lock();
        try {
            busy = jobs > 0;
            idle = idleSince;
        } finally {
            lock.unlock();
        }
        Instant wanted;
        if (busy) {
            wanted = protectedUntil == null ? Instant.MIN : protectedUntil.minus(expiry.dividedBy(2));
        } else {
            wanted = protectedUntil == null ? now.plus(LEAST_EXPIRY) : idle.plus(LINGER);
        }
        return new Due(busy, wanted.isAfter(notBefore) ? wanted : notBefore);
    }

    private boolean call(boolean protect) throws InterruptedException {
        var body = JSON.createObjectNode().put("ProtectionEnabled", protect);
        if (protect) {
            body.put("ExpiresInMinutes", expiry.toMinutes());
        }
        var request = HttpRequest.newBuilder(state)
                .timeout(patience)
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
        try {
            var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            // Refusals may come with 200, and then say "failure" instead of "protection".
            if (answer.statusCode() == 200 && JSON.readTree(answer.body()).has("protection")) {
                log.atInfo().addKeyValue("protected", protect).log("scale-in protection set");
                return true;
            }
            warn(protect, answer.statusCode() + " " + shortened(answer.body()));
        } catch (JsonProcessingException e) {
            warn(protect, "an answer that is no JSON");
        } catch (IOException e) {
            warn(protect, e.toString());
        }
        return false;
    }

    private static String shortened(String answer) {
        return answer.length() <= 200 ? answer.strip() : answer.substring(0, 200) + "…";
    }

    private static void warn(boolean protect, String why) {
        log.atWarn()
                .addKeyValue("protected", protect)
                .addKeyValue("why", why)
                .log("scale-in protection not set; tried again later, jobs go on");
    }
}
