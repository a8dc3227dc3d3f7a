package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What this process remembers of failed attempts, by message id, and when they are enough.
 *
 * <p>Only faults of the input count. The memory ends with the process; then the receive count is the backstop for doubtful
 * inputs, generous, as it also grows by faults that are not theirs.
 */
final class Attempts {
    /** Messages remembered; the longest unheard of is forgotten first. */
    private static final int MESSAGES = 20_000;
    /** Attempts remembered with their failure, per message: the latest. */
    private static final int REMEMBERED = 20;
    /** A doubtful input is given up after this many times {@code maxAttempts} receives. */
    private static final int BACKSTOP = 4;

    /** One attempt that failed. */
    record Attempt(Instant at, Failure failure, String fingerprint) {}

    /**
     * @param counted attempts that the input itself spoilt
     * @param latest oldest first
     */
    record History(int counted, List<Attempt> latest) {
        static final History NONE = new History(0, List.of());

        History {
            latest = List.copyOf(latest);
        }

        History with(Attempt attempt) {
            var all = new ArrayList<>(latest);
            all.add(attempt);
            return new History(
                    counted + (counts(attempt.failure().blame()) ? 1 : 0),
                    all.subList(Math.max(0, all.size() - REMEMBERED), all.size()));
        }
    }

    /** What follows from one more failure. */
    enum Verdict {
        TRY_AGAIN,
        /** A doubtful input failed in the same way twice: it is not a matter of chance. */
        REPEATED,
        /** As often as allowed. */
        SPENT
    }

    private final int maxAttempts;

    private final Map<String, History> histories = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, History> eldest) {
            return size() > MESSAGES;
        }
    };

    Attempts(int maxAttempts) {
        this.maxAttempts = maxAttempts;
    }

    static boolean counts(Blame blame) {
        return blame == Blame.INPUT || blame == Blame.DOUBTFUL;
    }

    synchronized History of(String messageId) {
        return histories.getOrDefault(messageId, History.NONE);
    }

    /** Remembers the attempt and returns all that is known now. */
    synchronized History add(String messageId, Attempt attempt) {
        var history = of(messageId).with(attempt);
        histories.put(messageId, history);
        return history;
    }

    synchronized void forget(String messageId) {
        histories.remove(messageId);
    }

    /** @param history the attempt to judge is its last */
    Verdict judge(History history, int receives) {
        var last = history.latest().getLast();
        var blame = last.failure().blame();
        if (!counts(blame)) {
            return Verdict.TRY_AGAIN;
        }
        if (blame == Blame.DOUBTFUL
                && history.latest().stream()
                                .filter(attempt -> attempt.fingerprint().equals(last.fingerprint()))
                                .count()
                        > 1) {
            return Verdict.REPEATED;
        }
        boolean spent =
                history.counted() >= maxAttempts || (blame == Blame.DOUBTFUL && receives >= BACKSTOP * maxAttempts);
        return spent ? Verdict.SPENT : Verdict.TRY_AGAIN;
    }
}
