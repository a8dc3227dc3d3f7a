package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.job.AttemptMarks;
import dev.chromacompactor.job.AttemptMarks.Mark;
import dev.chromacompactor.telemetry.Keys;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known of failed attempts, by message id, and when they are enough.
 *
 * <p>Only faults of the input count, and deaths of workers: from the second receive on each attempt leaves a mark in the
 * bucket before it begins. A fault of the input stays in the mark, anything else takes it away, and one that nobody took away is
 * a death. So the count is the same for all workers. Beside it this process remembers what it saw itself, which is all there
 * is while the bucket cannot be reached; nothing here ever stops a message from being settled.
 */
final class Attempts {
    static final String WORKER_DIED = "worker-died";

    private static final Logger log = LoggerFactory.getLogger(Attempts.class);

    /** Messages remembered; the longest unheard of is forgotten first. */
    private static final int MESSAGES = 20_000;
    /** Attempts remembered per message that count for nothing: the latest. */
    private static final int REMEMBERED = 20;
    /** Without marks a doubtful input is given up after this many times {@code maxAttempts} receives. */
    private static final int BACKSTOP = 4;
    /** Marks that could not be taken away, and will be when the bucket answers again. */
    private static final int LEFTOVERS = 1000;

    /**
     * One attempt that failed.
     *
     * @param receive which receive of the message it was
     */
    record Attempt(int receive, Instant at, Failure failure, String fingerprint) {
        boolean counts() {
            return Attempts.counts(failure.blame());
        }

        boolean died() {
            return failure.reason().equals(WORKER_DIED);
        }
    }

    /**
     * @param attempts oldest first; of those that count for nothing only the latest
     * @param marked receives that may have a mark in the bucket
     * @param complete whether the marks of other workers are among the attempts
     */
    record History(List<Attempt> attempts, Set<Integer> marked, boolean complete) {
        static final History NONE = new History(List.of(), Set.of(), true);

        History {
            attempts = List.copyOf(attempts);
            marked = Set.copyOf(marked);
        }

        /** Attempts that the input itself spoilt, or that a worker did not survive. */
        int counted() {
            return (int) attempts.stream().filter(Attempt::counts).count();
        }

        boolean hasDeaths() {
            return attempts.stream().anyMatch(Attempt::died);
        }

        Attempt last() {
            return attempts.getLast();
        }

        private History with(Attempt attempt) {
            var all = new ArrayList<>(attempts);
            all.add(attempt);
            if (all.stream().filter(each -> !each.counts()).count() > REMEMBERED) {
                all.remove(
                        all.stream().filter(each -> !each.counts()).findFirst().orElseThrow());
            }
            return new History(all, marked, complete);
        }

        /** With what others left behind; of the same receive we know better ourselves. */
        private History and(List<Mark> marks) {
            Set<Integer> known = attempts.stream().map(Attempt::receive).collect(Collectors.toSet());
            var others = marks.stream()
                    .filter(mark -> !known.contains(mark.receive()))
                    .map(Attempts::attempt);
            return new History(
                    Stream.concat(attempts.stream(), others)
                            .sorted(Comparator.comparingInt(Attempt::receive))
                            .toList(),
                    marks.stream().map(Mark::receive).collect(Collectors.toSet()),
                    true);
        }

        private History withMark(int receive) {
            var more = new HashSet<>(marked);
            more.add(receive);
            return new History(attempts, more, complete);
        }

        private History withoutMark(int receive) {
            var less = new HashSet<>(marked);
            less.remove(receive);
            return new History(attempts, less, complete);
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

    /** A mark in the bucket. */
    private record Written(String messageId, int receive) {}

    private final int maxAttempts;
    private final AttemptMarks marks;
    private final InstantSource clock;
    private final String build;

    private final Map<String, History> histories = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, History> eldest) {
            return size() > MESSAGES;
        }
    };
    private final Deque<Written> leftovers = new ArrayDeque<>();

    Attempts(int maxAttempts, AttemptMarks marks, InstantSource clock, String build) {
        this.maxAttempts = maxAttempts;
        this.marks = marks;
        this.clock = clock;
        this.build = build;
    }

    static boolean counts(Blame blame) {
        return blame == Blame.INPUT || blame == Blame.DOUBTFUL;
    }

    private static Attempt attempt(Mark mark) {
        if (mark.failure() != null && mark.fingerprint() != null) {
            return new Attempt(mark.receive(), mark.at(), mark.failure(), mark.fingerprint());
        }
        var death = new Failure(
                Blame.INPUT,
                WORKER_DIED,
                "the worker (build " + mark.build() + ") that received it for the " + mark.receive()
                        + ". time ended without a word");
        return new Attempt(mark.receive(), mark.at(), death, Fingerprint.of(death));
    }

    /** What this process knows. */
    synchronized History of(String messageId) {
        return histories.getOrDefault(messageId, History.NONE);
    }

    /** What is known when a message has been received; from the second receive on the bucket is asked. */
    History known(String messageId, int receives) {
        if (receives <= 1) {
            return of(messageId);
        }
        try {
            removeLeftovers();
            var marked = marks.of(messageId);
            return update(messageId, history -> history.and(marked));
        } catch (FailureException e) {
            unanswered("attempt marks not read, only what this worker saw counts", messageId, e);
            return update(messageId, history -> new History(history.attempts(), history.marked(), false));
        }
    }

    /** Why it must not be begun again: too many workers died of it. */
    Optional<Failure> deadly(History history) {
        var deaths = history.attempts().stream()
                .filter(Attempt::died)
                .map(attempt -> String.valueOf(attempt.receive()))
                .toList();
        return deaths.isEmpty() || history.counted() < maxAttempts
                ? Optional.empty()
                : Optional.of(new Failure(
                        Blame.INPUT,
                        WORKER_DIED,
                        "run a job: of " + history.counted() + " attempts, " + deaths.size()
                                + " ended with the death of the worker, after receive " + String.join(", ", deaths)));
    }

    /** Marks the attempt before it begins, unless it is the first, or the bucket has just not answered. */
    void begin(String messageId, int receive) {
        if (receive <= 1 || !of(messageId).complete()) {
            return;
        }
        var _ = update(messageId, history -> history.withMark(receive));
        try {
            marks.open(messageId, new Mark(receive, clock.instant(), build, null, null));
        } catch (FailureException e) {
            unanswered("attempt not marked", messageId, e);
        }
    }

    /** The attempt ended for a reason that does not count: its mark is taken away. */
    void end(String messageId, int receive, Failure failure) {
        unmark(messageId, receive);
        var _ = remember(messageId, receive, failure);
    }

    /** The attempt says nothing of the message: its mark is taken away. */
    void unmark(String messageId, int receive) {
        if (of(messageId).marked().contains(receive)) {
            remove(messageId, Set.of(receive));
            var _ = update(messageId, history -> history.withoutMark(receive));
        }
    }

    /** The attempt ended by a fault of the input: this stays until the message is settled. */
    History fail(String messageId, int receive, Failure failure) {
        var history = remember(messageId, receive, failure);
        var last = history.last();
        try {
            marks.close(messageId, new Mark(receive, last.at(), build, failure, last.fingerprint()));
        } catch (FailureException e) {
            unanswered("failed attempt not marked, only this worker knows of it", messageId, e);
        }
        return update(messageId, each -> each.withMark(receive));
    }

    /** With one attempt more, in this process alone. */
    History remember(String messageId, int receive, Failure failure) {
        var attempt = new Attempt(receive, clock.instant(), failure, Fingerprint.of(failure));
        return update(messageId, history -> history.with(attempt));
    }

    /** The message is settled. */
    void forget(String messageId) {
        History history;
        synchronized (this) {
            history = histories.remove(messageId);
        }
        if (history != null && !history.marked().isEmpty()) {
            remove(messageId, history.marked());
        }
    }

    /** @param history the attempt to judge is its last */
    Verdict judge(History history, int receives) {
        var last = history.last();
        var blame = last.failure().blame();
        if (!counts(blame)) {
            return Verdict.TRY_AGAIN;
        }
        boolean again = history.attempts().stream()
                        .filter(attempt -> attempt.fingerprint().equals(last.fingerprint()))
                        .count()
                > 1;
        if (blame == Blame.DOUBTFUL && again) {
            return Verdict.REPEATED;
        }
        boolean unseen = blame == Blame.DOUBTFUL && !history.complete() && receives >= BACKSTOP * maxAttempts;
        return history.counted() >= maxAttempts || unseen ? Verdict.SPENT : Verdict.TRY_AGAIN;
    }

    private synchronized History update(String messageId, UnaryOperator<History> change) {
        var history = change.apply(of(messageId));
        histories.put(messageId, history);
        return history;
    }

    private void remove(String messageId, Set<Integer> receives) {
        try {
            marks.remove(messageId, receives);
        } catch (FailureException e) {
            unanswered("attempt marks not taken away, tried again later", messageId, e);
            synchronized (this) {
                receives.forEach(receive -> leftovers.add(new Written(messageId, receive)));
                while (leftovers.size() > LEFTOVERS) {
                    leftovers.removeFirst();
                }
            }
        }
    }

    private void removeLeftovers() {
        while (true) {
            Written next;
            synchronized (this) {
                next = leftovers.peekFirst();
            }
            if (next == null) {
                return;
            }
            marks.remove(next.messageId(), List.of(next.receive()));
            synchronized (this) {
                leftovers.remove(next);
            }
        }
    }

    private static void unanswered(String what, String messageId, FailureException e) {
        log.atWarn()
                .addKeyValue(Keys.MESSAGE_ID, messageId)
                .addKeyValue(Keys.REASON, e.failure().reason())
                .addKeyValue(Keys.MESSAGE, e.failure().message())
                .log(what);
    }
}
