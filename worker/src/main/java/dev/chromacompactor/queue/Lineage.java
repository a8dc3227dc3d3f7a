package dev.chromacompactor.queue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where a message comes from that was a dead letter before: the JSON of the attribute {@code compactor-lineage}, which a replay
 * adds.
 */
record Lineage(String messageId, Instant firstSeen, List<FailureReport.Replay> replays) {
    Lineage {
        replays = replays == null ? List.of() : List.copyOf(replays);
    }

    /**
     * What a message carries of its past. One that SQS itself moved back from the dead letters still has the report of the last
     * failure; that was a replay too.
     */
    static Lineage of(ReceivedMessage message) {
        var texts = message.texts();
        var report = Json.read(texts.get(LetterFormat.FAILURE), FailureReport.class);
        if (report.isPresent()) {
            return of(report.get(), message.sentAt());
        }
        Optional<Lineage> lineage = Json.read(texts.get(LetterFormat.LINEAGE), Lineage.class);
        return lineage.orElseGet(() -> new Lineage(
                message.id(),
                message.firstReceivedAt() == null ? message.sentAt() : message.firstReceivedAt(),
                List.of()));
    }

    /** The past of a letter that is sent back now. */
    static Lineage of(FailureReport report, Instant now) {
        var replays = new ArrayList<>(report.replays());
        replays.add(new FailureReport.Replay(now, report.reason(), report.fingerprint(), report.build()));
        return new Lineage(
                report.messageId(),
                report.firstSeen(),
                replays.subList(Math.max(0, replays.size() - FailureReport.LISTED_REPLAYS), replays.size()));
    }
}
