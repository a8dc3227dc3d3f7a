package dev.chromacompactor.producer;

import dev.chromacompactor.compaction.LocatedDelta;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What lies below a prefix.
 *
 * @param fresh deltas to send, oldest first
 * @param leftOut the others, by key
 */
public record Discovery(List<LocatedDelta> fresh, List<LeftOut> leftOut) {
    public Discovery {
        fresh = List.copyOf(fresh);
        leftOut = List.copyOf(leftOut);
    }

    /** A delta that is not sent, and why. */
    public record LeftOut(String key, Why why) {}

    public enum Why {
        LIVE("in the live snapshot"),
        ROLLED_BACK("rolled back; they stay out until released"),
        BEFORE_HORIZON("written before the horizon of the snapshot"),
        IN_OPEN_BATCH("in a batch that is not closed"),
        OLDER_THAN_FOREIGN_SNAPSHOT("older than the snapshot, which another writer made");

        private final String words;

        Why(String words) {
            this.words = words;
        }

        /** For people, as in "3 deltas: …". */
        public String words() {
            return words;
        }
    }

    /** How many for which cause; only those that there are. */
    public Map<Why, Integer> counts() {
        var counts = new EnumMap<Why, Integer>(Why.class);
        leftOut.forEach(each -> counts.merge(each.why(), 1, Integer::sum));
        return counts;
    }
}
