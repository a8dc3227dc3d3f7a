package dev.chromacompactor.message;

import dev.chromacompactor.telemetry.Keys;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.slf4j.MDC;

/**
 * What ties together everything that follows from one {@code enqueue}: W3C trace context,
 * https://www.w3.org/TR/trace-context/. Our messages carry it as {@code traceparent} in the body, so that dead letters and
 * replays keep it; a message attribute of that name counts where the body has none. While {@link #run} runs, the messages
 * that {@link StageMessages} makes carry it on, and log lines name it.
 *
 * @param traceId 32 lower-case hexadecimal digits, not all 0
 * @param spanId of the step at hand, 16 of them
 * @param flags two of them; kept as they came
 */
public record Trace(String traceId, String spanId, String flags) {
    /** The field of the body, and the message attribute. */
    public static final String PARENT = "traceparent";

    private static final ScopedValue<Trace> CURRENT = ScopedValue.newInstance();
    private static final Pattern FORM =
            Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})");
    /** Bodies are not parsed for it: a large one is parsed once already, and a broken one has a trace too. */
    private static final Pattern IN_BODY = Pattern.compile("\"" + PARENT + "\"\\s*:\\s*\"([0-9a-f-]{55})\"");

    private static final SecureRandom RANDOM = new SecureRandom();

    /** A new trace. */
    public static Trace start() {
        return new Trace(hex(16), hex(8), "01");
    }

    /** Empty if it is no trace context; what is wrong with it is nobody's fault but its sender's. */
    public static Optional<Trace> parse(String traceparent) {
        var form = FORM.matcher(traceparent);
        return form.matches() ? Optional.of(new Trace(form.group(1), form.group(2), form.group(3))) : Optional.empty();
    }

    /** The next step in the trace of a message; a message without one begins its own, the same at each receive. */
    public static Trace of(String messageId, String body, Map<String, String> attributes) {
        var found = IN_BODY.matcher(body);
        return (found.find() ? parse(found.group(1)) : Optional.<Trace>empty())
                .or(() -> parse(attributes.getOrDefault(PARENT, "")))
                .map(Trace::next)
                .orElseGet(() -> ofId(messageId));
    }

    /** Ids of SQS are UUIDs, which are as long as the ids of traces. */
    private static Trace ofId(String messageId) {
        var digits = messageId.replace("-", "");
        return parse("00-" + digits + "-" + hex(8) + "-01").orElseGet(Trace::start);
    }

    /** The one that the code at hand runs in. */
    public static Optional<Trace> current() {
        return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    }

    /** Another step of the same trace. */
    public Trace next() {
        return new Trace(traceId, hex(8), flags);
    }

    /** As it goes into a message. */
    public String traceparent() {
        return "00-" + traceId + "-" + spanId + "-" + flags;
    }

    /** Runs in this trace. */
    public void run(Runnable work) {
        try (var _ = MDC.putCloseable(Keys.TRACE_ID, traceId);
                var _ = MDC.putCloseable(Keys.SPAN_ID, spanId)) {
            ScopedValue.where(CURRENT, this).run(work);
        }
    }

    private static String hex(int bytes) {
        var random = new byte[bytes];
        RANDOM.nextBytes(random);
        return HexFormat.of().formatHex(random);
    }
}
