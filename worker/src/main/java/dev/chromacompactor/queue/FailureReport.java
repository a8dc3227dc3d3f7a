package dev.chromacompactor.queue;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/**
 * Why a message became a dead letter: the JSON of the attribute {@code compactor-failure}, field names in snake_case.
 *
 * @param blame whose fault, as {@code class}
 * @param reason stable kebab-case name
 * @param message what was being done, with the offending field, file or id
 * @param verdict {@code permanent}: no retry could help; {@code repeated}: doubtful, and the same again; {@code spent}: as often
 *     as allowed
 * @param fingerprint the same for the same failure
 * @param inputKeys the S3 keys that the body names, the first ones
 * @param inputKeyCount of all
 * @param attempts the failed attempts this worker knows of, oldest first, this one last
 * @param receives how often SQS delivered the message
 * @param firstSeen when a worker first received it, before any replay
 * @param failedAt when it was given up
 * @param messageId its id in the queue, before any replay
 * @param build the worker that gave it up
 * @param replays how often it was sent back before, oldest first
 */
public record FailureReport(
        @JsonProperty("class") String blame,
        String reason,
        String message,
        String verdict,
        String fingerprint,
        List<String> inputKeys,
        int inputKeyCount,
        List<Attempt> attempts,
        int receives,
        Instant firstSeen,
        Instant failedAt,
        String messageId,
        String build,
        List<Replay> replays) {

    /** One failed attempt. */
    public record Attempt(Instant at, @JsonProperty("class") String blame, String reason, String message) {
        private static Attempt of(Attempts.Attempt attempt) {
            return new Attempt(
                    attempt.at(),
                    attempt.failure().blame().label(),
                    attempt.failure().reason(),
                    cut(attempt.failure().message(), ATTEMPT_MESSAGE_CHARS));
        }
    }

    /** One time that the letter was sent back, and what it had failed with until then. */
    public record Replay(Instant at, String reason, String fingerprint, String build) {}

    static final int LISTED_KEYS = 20;
    static final int KEY_CHARS = 1024;
    static final int MESSAGE_CHARS = 4000;
    static final int ATTEMPT_MESSAGE_CHARS = 300;
    static final int LISTED_REPLAYS = 10;
    static final int LISTED_ATTEMPTS = 20;

    public FailureReport {
        message = cut(message, MESSAGE_CHARS);
        inputKeys = inputKeys == null
                ? List.of()
                : inputKeys.stream()
                        .limit(LISTED_KEYS)
                        .map(key -> cut(key, KEY_CHARS))
                        .toList();
        attempts = attempts == null
                ? List.of()
                : List.copyOf(attempts.subList(Math.max(0, attempts.size() - LISTED_ATTEMPTS), attempts.size()));
        replays = replays == null
                ? List.of()
                : List.copyOf(replays.subList(Math.max(0, replays.size() - LISTED_REPLAYS), replays.size()));
    }

    /** Of a message that is given up for this failure, after these attempts. */
    static FailureReport of(
            ReceivedMessage message,
            List<String> inputKeys,
            List<Attempts.Attempt> attempts,
            Failure failure,
            String verdict,
            String build,
            InstantSource clock) {
        var lineage = Lineage.of(message);
        return new FailureReport(
                (Attempts.counts(failure.blame()) ? Blame.INPUT : failure.blame()).label(),
                failure.reason(),
                failure.message(),
                verdict,
                fingerprint(attempts, failure),
                inputKeys,
                inputKeys.size(),
                attempts.stream().map(Attempt::of).toList(),
                message.receives(),
                lineage.firstSeen(),
                clock.instant(),
                lineage.messageId(),
                build,
                lineage.replays());
    }

    /**
     * As Jackson would write this record, field by field: a worker writes few letters, and code that goes through its reflection
     * is still slow by then.
     */
    String json() {
        var text = new StringWriter();
        try (var json = Json.MAPPER.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("class", blame);
            json.writeStringField("reason", reason);
            json.writeStringField("message", message);
            json.writeStringField("verdict", verdict);
            json.writeStringField("fingerprint", fingerprint);
            json.writeArrayFieldStart("input_keys");
            for (var key : inputKeys) {
                json.writeString(key);
            }
            json.writeEndArray();
            json.writeNumberField("input_key_count", inputKeyCount);
            json.writeArrayFieldStart("attempts");
            for (var attempt : attempts) {
                json.writeStartObject();
                json.writeStringField("at", attempt.at().toString());
                json.writeStringField("class", attempt.blame());
                json.writeStringField("reason", attempt.reason());
                json.writeStringField("message", attempt.message());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeNumberField("receives", receives);
            json.writeStringField("first_seen", firstSeen.toString());
            json.writeStringField("failed_at", failedAt.toString());
            json.writeStringField("message_id", messageId);
            json.writeStringField("build", build);
            json.writeArrayFieldStart("replays");
            for (var replay : replays) {
                json.writeStartObject();
                json.writeStringField("at", replay.at().toString());
                json.writeStringField("reason", replay.reason());
                json.writeStringField("fingerprint", replay.fingerprint());
                json.writeStringField("build", replay.build());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("text in memory can be written", e);
        }
        return text.toString();
    }

    /** It was taken already, unless the failure is none of an attempt. */
    private static String fingerprint(List<Attempts.Attempt> attempts, Failure failure) {
        boolean taken = !attempts.isEmpty() && attempts.getLast().failure().equals(failure);
        return taken ? attempts.getLast().fingerprint() : Fingerprint.of(failure);
    }

    /** Without the lists: what is left when the body leaves little room. */
    FailureReport brief() {
        return new FailureReport(
                blame,
                reason,
                cut(message, ATTEMPT_MESSAGE_CHARS),
                verdict,
                fingerprint,
                List.of(),
                inputKeyCount,
                List.of(),
                receives,
                firstSeen,
                failedAt,
                messageId,
                build,
                List.of());
    }

    static String cut(String text, int chars) {
        return text.length() <= chars ? text : text.substring(0, chars - 1) + "…";
    }
}
