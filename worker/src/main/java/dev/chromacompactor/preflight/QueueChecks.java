package dev.chromacompactor.preflight;

import dev.chromacompactor.preflight.Answer.Given;
import dev.chromacompactor.preflight.Answer.None;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Whether the work queue leads to its dead-letter queue in time, and letters live long enough. Pure. */
final class QueueChecks {
    /**
     * A job that waits out an outage of half an hour, with pauses of five minutes at most, is received about so often. Below
     * that SQS would dead-letter healthy messages.
     */
    static final int ENOUGH_RECEIVES = 20;

    private static final String QUEUE = "queue";
    private static final String LETTERS = "dead-letter queue";

    private QueueChecks() {}

    /**
     * @param asked the visibility that workers ask for
     * @param may whether messages of the work queue may be deleted and hidden
     * @param results null: none is configured
     */
    static List<Finding> of(
            Answer<QueueFacts> work,
            Answer<QueueFacts> letters,
            @Nullable Answer<QueueFacts> results,
            Answer<Boolean> may,
            Duration asked) {
        var findings = new ArrayList<Finding>();
        findings.add(
                switch (work) {
                    case Given<QueueFacts>(QueueFacts facts) -> standard(QUEUE, facts);
                    case None<QueueFacts> none -> Finding.without(QUEUE, none);
                });
        findings.add(
                switch (letters) {
                    case Given<QueueFacts>(QueueFacts facts) -> standard(LETTERS, facts);
                    case None<QueueFacts> none -> Finding.without(LETTERS, none);
                });
        if (may instanceof None<Boolean> none && work instanceof Given<QueueFacts>) {
            findings.add(Finding.without(QUEUE, none));
        }
        if (results != null) {
            findings.add(
                    switch (results) {
                        case Given<QueueFacts>(QueueFacts facts) -> standard("results queue", facts);
                        case None<QueueFacts> none -> Finding.without("results queue", none);
                    });
        }
        if (work instanceof Given<QueueFacts>(QueueFacts from)) {
            findings.addAll(redrive(from, letters, asked));
        }
        if (work instanceof Given<QueueFacts>(QueueFacts from) && letters instanceof Given<QueueFacts>(QueueFacts to)) {
            findings.add(retention(from, to));
        }
        return findings;
    }

    private static Finding standard(String subject, QueueFacts facts) {
        return facts.fifo()
                ? Finding.problem(
                        subject,
                        "queue-fifo",
                        facts.url() + " is a FIFO queue; messages are sent without a group",
                        "use a standard queue: order is a matter of stamps here")
                : Finding.ok(
                        subject,
                        facts.url() + " is there, keeps messages for " + text(facts.retention())
                                + ", attributes may be read");
    }

    private static List<Finding> redrive(QueueFacts from, Answer<QueueFacts> letters, Duration asked) {
        var redrive = from.redrive();
        if (redrive == null) {
            return List.of(Finding.problem(
                    "redrive",
                    "redrive-missing",
                    from.url() + " has no redrive policy: a message that kills its worker would come back for ever",
                    "set a redrive policy to the dead-letter queue, maxReceiveCount " + ENOUGH_RECEIVES + " or more"));
        }
        var findings = new ArrayList<Finding>();
        if (letters instanceof Given<QueueFacts>(QueueFacts to)
                && !redrive.target().equals(to.arn())) {
            findings.add(Finding.problem(
                    "redrive",
                    "redrive-elsewhere",
                    "SQS moves messages of " + from.url() + " to " + redrive.target() + ", and COMPACTOR_DLQ_URL is "
                            + (to.arn() == null ? to.url() : to.arn()),
                    "name the same queue in both"));
        }
        findings.add(reach(from, redrive, asked));
        if (redrive.maxReceives() < ENOUGH_RECEIVES) {
            findings.add(Finding.warning(
                    "redrive",
                    "redrive-eager",
                    "SQS gives up after " + redrive.maxReceives() + " receives, and an outage of S3 takes some",
                    "set maxReceiveCount to " + ENOUGH_RECEIVES
                            + " or more; the worker counts an input's own faults itself"));
        }
        return findings;
    }

    /** In the worst case each receive holds the message for its whole visibility. */
    private static Finding reach(QueueFacts from, QueueFacts.Redrive redrive, Duration asked) {
        Duration own = Objects.requireNonNullElse(from.visibility(), asked);
        Duration visibility = own.compareTo(asked) > 0 ? own : asked;
        Duration takes = visibility.multipliedBy(redrive.maxReceives());
        String sum = redrive.maxReceives() + " receives × " + visibility + " = " + takes;
        Duration retention = from.retention();
        return retention != null && takes.compareTo(retention) >= 0
                ? Finding.problem(
                        "redrive",
                        "dlq-unreachable",
                        sum + ", and " + from.url() + " keeps a message only " + text(retention)
                                + ": it would be lost before it is a dead letter",
                        "lower maxReceiveCount or the visibility, or keep messages longer")
                : Finding.ok("redrive", sum + ", well within " + text(retention));
    }

    /** A message that SQS moves keeps its age. */
    private static Finding retention(QueueFacts from, QueueFacts to) {
        Duration work = from.retention();
        Duration letters = to.retention();
        if (letters == null || work == null || letters.compareTo(work) > 0) {
            return Finding.ok("retention", "letters live for " + text(letters) + ", messages for " + text(work));
        }
        return letters.compareTo(work) < 0
                ? Finding.problem(
                        "retention",
                        "dlq-retention-short",
                        "letters live for " + text(letters) + ", messages for " + text(work)
                                + ": SQS would drop what it moves, as a message keeps its age",
                        "let the dead-letter queue keep messages for 14 days")
                : Finding.warning(
                        "retention",
                        "dlq-retention-tight",
                        "letters live no longer than messages, " + text(letters)
                                + "; one that SQS moves keeps its age and may be gone soon after",
                        "let the dead-letter queue keep messages for 14 days");
    }

    static String text(@Nullable Duration duration) {
        if (duration == null) {
            return "as long as it likes (it does not say)";
        }
        boolean days = duration.toSeconds() % 86_400 == 0 && !duration.isZero();
        return days ? duration.toDays() + (duration.toDays() == 1 ? " day" : " days") : duration.toString();
    }
}
