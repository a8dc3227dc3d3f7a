package dev.chromacompactor.snapshot;

import java.security.SecureRandom;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * The id of a version: {@code yyyyMMdd_HHmmss_<seq, 6 digits>_<8 hex, random>}, UTC. It has the shape of the
 * predecessor's ids, whose retention and readers sort them as text; the random part keeps two publishers of the same
 * second out of each other's way.
 */
public final class VersionId {
    private static final Pattern SHAPE = Pattern.compile("(\\d{8}_\\d{6})_(\\d{6,})_[0-9a-f]{8}");
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuuMMdd_HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final SecureRandom RANDOM = new SecureRandom();

    private VersionId() {}

    /** @param now by the store's clock */
    public static String fresh(Instant now, long seq) {
        return "%s_%06d_%08x".formatted(TIME.format(now), seq, RANDOM.nextInt());
    }

    /** The sequence number in an id of this shape; the predecessor's ids have microseconds there. */
    static OptionalLong seq(String id) {
        var matcher = SHAPE.matcher(id);
        return matcher.matches() ? OptionalLong.of(Long.parseLong(matcher.group(2))) : OptionalLong.empty();
    }

    /** When the id was made, to the second. */
    public static Optional<Instant> time(String id) {
        var matcher = SHAPE.matcher(id);
        return matcher.matches()
                ? Optional.of(LocalDateTime.parse(matcher.group(1), TIME).toInstant(ZoneOffset.UTC))
                : Optional.empty();
    }
}
