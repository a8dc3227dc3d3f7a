package dev.chromacompactor.preflight;

import dev.chromacompactor.preflight.Answer.Given;
import dev.chromacompactor.preflight.Answer.None;
import dev.chromacompactor.preflight.BucketFacts.Conditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Whether a bucket can be relied on: permissions, conditional writes, the time. Pure. */
final class BucketChecks {
    /** Above that, times in logs and the end of a pause mislead people. */
    static final Duration SKEW_WARNING = Duration.ofSeconds(30);
    /** S3 refuses signatures that are a quarter of an hour off; this leaves room to drift. */
    static final Duration SKEW_PROBLEM = Duration.ofMinutes(5);

    private static final String BUCKET = "bucket";
    private static final String WRITES = "conditional writes";
    private static final String OTHER_STORE =
            "use a store that honours them: nothing else keeps two publishers from overwriting one another";

    private BucketChecks() {}

    static List<Finding> of(BucketFacts facts) {
        if (facts.listing() instanceof None<Integer> none && facts.conditions().equals(none.<Conditions>instead())) {
            return List.of(Finding.without(BUCKET, none));
        }
        var findings = new ArrayList<Finding>();
        refusal(facts.listing(), "list", findings);
        refusal(facts.reading(), "get", findings);
        refusal(facts.deleting(), "delete", findings);
        if (findings.isEmpty()) {
            findings.add(
                    Finding.ok(BUCKET, "s3://" + facts.bucket() + " is there; it lets us list, get, put and delete"));
        }
        if (facts.deleting().equals(new Given<>(false))) {
            findings.add(Finding.problem(
                    BUCKET,
                    "s3-delete-refused",
                    "an object below s3://" + facts.bucket() + "/" + BucketProbe.FOLDER
                            + " is still there after its delete",
                    OTHER_STORE));
        }
        findings.addAll(
                switch (facts.conditions()) {
                    case Given<Conditions>(Conditions conditions) -> conditions(conditions);
                    case None<Conditions> none -> List.of(Finding.without(WRITES, none));
                });
        findings.add(
                switch (facts.skew()) {
                    case Given<Duration>(Duration skew) -> skew(skew);
                    case None<Duration> none -> Finding.without("clock", none);
                });
        return findings;
    }

    private static void refusal(Answer<?> answer, String subject, List<Finding> findings) {
        if (answer instanceof None<?> none) {
            findings.add(Finding.without(BUCKET + ", " + subject, none));
        }
    }

    private static List<Finding> conditions(Conditions seen) {
        var findings = new ArrayList<Finding>();
        if (seen.createdTwice()) {
            findings.add(ignored("If-None-Match: a key that was there was created once more"));
        }
        if (seen.replacedStale()) {
            findings.add(ignored("If-Match: a write over an ETag that was no longer the object's was accepted"));
        }
        if (seen.replacedMissing()) {
            findings.add(ignored("If-Match: a write over an object that was not there was accepted"));
        }
        if (!seen.readsBack()) {
            findings.add(Finding.problem(
                    WRITES, "write-not-read-back", "what was written last is not what is read", OTHER_STORE));
        }
        long wrong = seen.winners().stream().filter(count -> count != 1).count();
        if (findings.isEmpty() && wrong > 0) {
            int most = seen.winners().stream().mapToInt(Integer::intValue).max().orElse(0);
            findings.add(Finding.problem(
                    WRITES,
                    "condition-not-atomic",
                    "of " + seen.winners().size() + " races " + wrong + " did not have exactly one winner, one had "
                            + most,
                    OTHER_STORE));
        }
        return findings.isEmpty()
                ? List.of(Finding.ok(
                        WRITES,
                        "If-None-Match and If-Match hold; one winner in each of "
                                + seen.winners().size() + " races"))
                : findings;
    }

    private static Finding ignored(String says) {
        return Finding.problem(WRITES, "condition-ignored", says, OTHER_STORE);
    }

    private static Finding skew(Duration skew) {
        Duration off = skew.abs();
        String says = "this machine's clock is " + off.toSeconds() + " s " + (skew.isNegative() ? "behind" : "ahead of")
                + " S3's";
        String remedy = "let the machine keep time (NTP, chrony)";
        if (off.compareTo(SKEW_PROBLEM) > 0) {
            return Finding.problem("clock", "clock-skewed", says + "; S3 soon refuses its signatures", remedy);
        }
        return off.compareTo(SKEW_WARNING) > 0
                ? Finding.warning("clock", "clock-skewed", says, remedy)
                : Finding.ok("clock", says);
    }
}
