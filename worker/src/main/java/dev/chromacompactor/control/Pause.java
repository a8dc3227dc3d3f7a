package dev.chromacompactor.control;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Json;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Somebody's wish that nothing be polled or published.
 *
 * @param by who asked, as the machine names him; null if the object does not say
 * @param since when; null likewise
 * @param until when it ends by itself; null: only when somebody resumes
 * @param readable false if the object could not be read: then it holds, since nobody knows what it was to say
 */
public record Pause(
        String reason,
        @Nullable String by,
        @Nullable Instant since,
        @Nullable Instant until,
        boolean readable) {
    public Pause(String reason, @Nullable String by, @Nullable Instant since, @Nullable Instant until) {
        this(reason, by, since, until, true);
    }

    /** As it lies in the bucket, times in ISO-8601. */
    private record Spelt(
            String reason,
            @Nullable String by,
            @Nullable String since,
            @Nullable String until) {
        private Spelt(
                @JsonProperty(value = "reason", required = true) String reason,
                @JsonProperty("by") @Nullable String by,
                @JsonProperty("since") @Nullable String since,
                @JsonProperty("until") @Nullable String until) {
            this.reason = Objects.requireNonNull(reason, "reason");
            this.by = by;
            this.since = since;
            this.until = until;
        }
    }

    public boolean holds(Instant now) {
        return until == null || now.isBefore(until);
    }

    byte[] bytes() {
        return Json.write(new Spelt(reason, by, text(since), text(until)));
    }

    /** What cannot be read is a pause without an end: whoever put it there wanted one. */
    static Pause read(byte[] body, String key) {
        try {
            var spelt = Json.read(body, Spelt.class, key);
            return new Pause(spelt.reason(), spelt.by(), time(spelt.since()), time(spelt.until()));
        } catch (FailureException | DateTimeException e) {
            String why = e instanceof FailureException failed
                    ? failed.failure().message()
                    : "read " + key + ": " + e.getMessage();
            return new Pause("taken for a pause, as it cannot be read: " + why, null, null, null, false);
        }
    }

    private static @Nullable String text(@Nullable Instant time) {
        return time == null ? null : time.toString();
    }

    private static @Nullable Instant time(@Nullable String text) {
        return text == null ? null : Instant.parse(text);
    }

    /** For people: why, by whom, until when. */
    public String words() {
        return reason
                + (by == null ? "" : ", by " + by)
                + (since == null ? "" : ", since " + since)
                + (until == null ? ", until somebody resumes" : ", until " + until);
    }
}
