package dev.chromacompactor.preflight;

import dev.chromacompactor.preflight.Answer.Given;
import dev.chromacompactor.preflight.Answer.None;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.store.LifecycleRule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Whether S3 takes away by itself what a replay, a publish or a reader still needs. Pure. */
final class LifecycleChecks {
    private static final String LIFECYCLE = "lifecycle";
    private static final Pattern LIVING = Pattern.compile("[^/]+/(snapshot|control)(/.*)?");
    private static final Pattern REPLAYED = Pattern.compile("[^/]+/(delta|open)(/.*)?");

    private LifecycleChecks() {}

    /**
     * @param replay how long after it was sent a message may still come back: the queue's retention and the letters'; null
     *     if it is not known
     */
    static List<Finding> of(
            Answer<List<LifecycleRule>> lifecycle, Answer<List<String>> databases, @Nullable Duration replay) {
        if (lifecycle instanceof None<List<LifecycleRule>> none) {
            return List.of(
                    none.isDown()
                            ? Finding.without(LIFECYCLE, none)
                            : Finding.warning(
                                    LIFECYCLE,
                                    "lifecycle-unreadable",
                                    none.why().message() + ": whether rules take inputs away too early is not known",
                                    "allow s3:GetLifecycleConfiguration, or look at the rules yourself"));
        }
        List<String> known = databases instanceof Given<List<String>>(List<String> names) ? names : List.of();
        var needs = new Needs(known, replay == null ? Lineage.HORIZON : replay);
        var findings = new ArrayList<Finding>();
        for (LifecycleRule rule : ((Given<List<LifecycleRule>>) lifecycle).value()) {
            if (!rule.prefix().startsWith(BucketProbe.FOLDER)) {
                judge(rule, needs, findings);
            }
        }
        return findings.isEmpty()
                ? List.of(Finding.ok(LIFECYCLE, "no rule takes away what is still needed"))
                : findings;
    }

    /**
     * What must live how long.
     *
     * @param forever prefixes of what only the program itself may remove
     * @param replayed prefixes of what a replay reads
     */
    private record Needs(List<String> forever, List<String> replayed, Duration replay) {
        Needs(List<String> databases, Duration replay) {
            this(
                    Stream.concat(
                                    Stream.of("control/"),
                                    databases.stream()
                                            .flatMap(name -> Stream.of(name + "/snapshot/", name + "/control/")))
                            .toList(),
                    Stream.concat(
                                    Stream.of("batches/", "intermediate/"),
                                    databases.stream().flatMap(name -> Stream.of(name + "/delta/", name + "/open/")))
                            .toList(),
                    replay);
        }

        /** The prefixes of which a rule may take something; a database that is still to come is known by its shape. */
        static List<String> met(List<String> prefixes, String rule, Pattern shape) {
            var met = prefixes.stream()
                    .filter(each -> each.startsWith(rule) || rule.startsWith(each))
                    .toList();
            return met.isEmpty() && shape.matcher(rule).matches() ? List.of(rule) : met;
        }
    }

    private static void judge(LifecycleRule rule, Needs needs, List<Finding> findings) {
        List<String> forever = Needs.met(needs.forever(), rule.prefix(), LIVING);
        List<String> replayed = Needs.met(needs.replayed(), rule.prefix(), REPLAYED);
        Duration lives = Duration.ofDays(rule.days());
        boolean early = lives.compareTo(needs.replay()) < 0;
        if (!forever.isEmpty()) {
            findings.add(finding(rule, forever, "until the program removes it", true));
        } else if (!replayed.isEmpty() && (early || lives.compareTo(Lineage.HORIZON) < 0)) {
            findings.add(finding(rule, replayed, QueueChecks.text(early ? needs.replay() : Lineage.HORIZON), early));
        }
    }

    /** Tags are none of ours, so such a rule may be about other objects. */
    private static Finding finding(LifecycleRule rule, List<String> taken, String needed, boolean refuse) {
        String says = "rule " + (rule.id() == null ? "without a name" : rule.id()) + " takes away what lies below "
                + (rule.prefix().isEmpty() ? "any prefix" : rule.prefix()) + " after "
                + QueueChecks.text(Duration.ofDays(rule.days())) + "; "
                + String.join(", ", taken.subList(0, Math.min(3, taken.size()))) + (taken.size() > 3 ? " and more" : "")
                + " must live " + needed;
        String remedy = "narrow the rule's prefix, or give it at least " + Lineage.HORIZON.toDays()
                + " days; snapshots must never end by age";
        return refuse && !rule.tagged()
                ? Finding.problem(LIFECYCLE, "lifecycle-too-short", says, remedy)
                : Finding.warning(LIFECYCLE, "lifecycle-too-short", says, remedy);
    }
}
