package dev.chromacompactor.queue;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks through the dead letters, sends them back, drops them.
 *
 * <p>SQS has no way to look without receiving: each operation holds the letters while it reads them (nobody else sees them
 * meanwhile) and releases what it does not take. If it dies half-way nothing is lost, the letters come back by themselves.
 */
public final class DeadLetters {
    private static final Logger log = LoggerFactory.getLogger(DeadLetters.class);

    /** How long letters are held while all are read. */
    private static final Duration HOLD = Duration.ofMinutes(2);
    /** A poll of a second asks all of SQS's servers; without a wait it may miss letters. */
    private static final Duration LONG_ENOUGH = Duration.ofSeconds(1);
    /** So many polls without anything new are the end, if SQS still counts letters that were not seen. */
    private static final int QUIET_POLLS = 3;

    private static final Comparator<ReceivedMessage> OLDEST_FIRST =
            Comparator.comparing(ReceivedMessage::sentAt).thenComparing(ReceivedMessage::id);

    private final SqsQueue letters;
    private final SqsQueue work;
    private final InstantSource clock;
    private final Pace pace;
    private final Duration wait;

    /** Waits until the next letter is due. */
    @FunctionalInterface
    interface Pace {
        void pause(Duration length);
    }

    /** Told after each step: so many of so many. While the letters are read the total is SQS's approximate count. */
    @FunctionalInterface
    public interface Progress {
        Progress NONE = (_, _) -> {};

        void at(long done, long total);
    }

    /**
     * What replay and drop did.
     *
     * @param letters those that matched, oldest first
     * @param taken how many were really sent back or dropped: none in a dry run
     */
    public record Result(List<Letter> letters, int taken) {
        public Result {
            letters = List.copyOf(letters);
        }
    }

    /** @param work where replayed letters go */
    public DeadLetters(SqsQueue letters, SqsQueue work, InstantSource clock) {
        this(letters, work, clock, length -> LockSupport.parkNanos(length.toNanos()), LONG_ENOUGH);
    }

    DeadLetters(SqsQueue letters, SqsQueue work, InstantSource clock, Pace pace, Duration wait) {
        this.letters = letters;
        this.work = work;
        this.clock = clock;
        this.pace = pace;
        this.wait = wait;
    }

    /** The letters that match, oldest first. All stay. */
    public List<Letter> list(Letter.Filter filter, Progress progress) {
        var held = read(progress);
        release(held);
        return matching(held, filter).stream().map(Letter::of).toList();
    }

    /** @param id of the letter or of the original message */
    public Optional<Letter> show(String id) {
        return list(Letter.Filter.ofId(id), Progress.NONE).stream().findFirst();
    }

    /**
     * Sends letters back to the work queue, body and attributes as they were, and deletes them; each is sent before it is
     * deleted. A letter that fails again comes back as a new letter, whose report tells of the replay.
     *
     * @param dryRun only says what would be sent
     * @param perSecond at most
     */
    public Result replay(Letter.Filter filter, boolean dryRun, double perSecond, Progress progress) {
        if (!(perSecond > 0)) {
            throw new IllegalArgumentException("replay at a rate of " + perSecond + " per second");
        }
        var interval = Duration.ofNanos((long) (1e9 / perSecond));
        return take(filter, dryRun, interval, progress, this::sendBack);
    }

    /** Deletes letters for good; each is logged. */
    public Result drop(Letter.Filter filter, boolean dryRun, Progress progress) {
        return take(filter, dryRun, Duration.ZERO, progress, letter -> {});
    }

    private void sendBack(ReceivedMessage letter) {
        var original = LetterFormat.original(letter.attributes());
        var lineage = Json.read(letter.texts().get(LetterFormat.FAILURE), FailureReport.class)
                .map(report -> Lineage.of(report, clock.instant()))
                .orElse(null);
        var _ = work.send(letter.body(), LetterFormat.reopen(original, letter.body(), lineage));
    }

    private interface Step {
        void on(ReceivedMessage letter);
    }

    private Result take(Letter.Filter filter, boolean dryRun, Duration interval, Progress progress, Step step) {
        var held = read(progress);
        var matching = matching(held, filter);
        var found = matching.stream().map(Letter::of).toList();
        if (dryRun) {
            release(held);
            return new Result(found, 0);
        }
        var chosen = matching.stream().map(ReceivedMessage::id).collect(Collectors.toSet());
        release(held.stream().filter(letter -> !chosen.contains(letter.id())).toList());
        var left = new ArrayDeque<>(matching);
        try {
            // Long enough for the last of them to be still ours when its turn comes.
            letters.changeVisibility(handles(matching), atMost(HOLD.plus(interval.multipliedBy(matching.size()))));
            var due = clock.instant();
            while (!left.isEmpty()) {
                var early = Duration.between(clock.instant(), due);
                if (early.isPositive()) {
                    pace.pause(early);
                }
                due = due.plus(interval);
                takeOut(left.getFirst(), step);
                left.removeFirst();
                progress.at(matching.size() - left.size(), matching.size());
            }
        } finally {
            release(List.copyOf(left));
        }
        return new Result(found, matching.size());
    }

    private void takeOut(ReceivedMessage letter, Step step) {
        step.on(letter);
        if (!letters.delete(letter.handle())) {
            log.atWarn()
                    .addKeyValue(Keys.MESSAGE_ID, letter.id())
                    .log("letter was taken by somebody else meanwhile; a second copy is harmless");
        }
        log.atInfo()
                .addKeyValue(Keys.MESSAGE_ID, letter.id())
                .addKeyValue(Keys.REASON, Letter.of(letter).reason())
                .log("dead letter taken out");
    }

    /** Receives until nothing new comes; the letters are held afterwards. Releases them if it fails. */
    private List<ReceivedMessage> read(Progress progress) {
        var seen = new LinkedHashMap<String, ReceivedMessage>();
        try {
            long expected = letters.depth().visible();
            for (int quiet = 0; quiet < QUIET_POLLS && !(quiet > 0 && seen.size() >= expected); ) {
                int before = seen.size();
                // The later handle of a letter that came twice is the one that counts.
                letters.receive(SqsQueue.BATCH, wait, HOLD).forEach(letter -> seen.put(letter.id(), letter));
                quiet = seen.size() == before ? quiet + 1 : 0;
                progress.at(seen.size(), Math.max(seen.size(), expected));
            }
        } catch (FailureException e) {
            release(List.copyOf(seen.values()));
            throw e;
        }
        return List.copyOf(seen.values());
    }

    private List<ReceivedMessage> matching(List<ReceivedMessage> held, Letter.Filter filter) {
        Instant now = clock.instant();
        var wanted = filter.at(now);
        return held.stream()
                .filter(letter -> wanted.test(Letter.of(letter)))
                .sorted(OLDEST_FIRST)
                .toList();
    }

    /** What cannot be released comes back by itself. */
    private void release(List<ReceivedMessage> held) {
        try {
            letters.changeVisibility(handles(held), Duration.ZERO);
        } catch (FailureException e) {
            log.atWarn()
                    .addKeyValue(Keys.QUEUE, letters.url())
                    .setCause(e)
                    .log("letters not released, they are visible again when their hold ends");
        }
    }

    private static List<String> handles(List<ReceivedMessage> held) {
        return held.stream().map(ReceivedMessage::handle).toList();
    }

    private static Duration atMost(Duration hold) {
        var most = Lease.CEILING.minusMinutes(10);
        return hold.compareTo(most) < 0 ? hold : most;
    }
}
