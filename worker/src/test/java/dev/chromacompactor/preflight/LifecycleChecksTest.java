package dev.chromacompactor.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.preflight.Answer.Given;
import dev.chromacompactor.preflight.Answer.None;
import dev.chromacompactor.preflight.Finding.Level;
import dev.chromacompactor.store.LifecycleRule;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LifecycleChecksTest {
    /** Four days in the queue, fourteen among the letters. */
    private static final Duration REPLAY = Duration.ofDays(18);

    private static Level level(LifecycleRule... rules) {
        return LifecycleChecks.of(new Given<>(List.of(rules)), new Given<>(List.of("words")), REPLAY)
                .getFirst()
                .level();
    }

    @ParameterizedTest
    @CsvSource({
        // What a replay reads.
        "words/delta/, 17, PROBLEM",
        "words/delta/, 18, WARNING",
        "words/delta/, 29, WARNING",
        "words/delta/, 30, OK",
        "words/delta/old-, 7, PROBLEM",
        "batches/, 7, PROBLEM",
        "batches/b-2026, 7, PROBLEM",
        "batches/, 90, OK",
        "intermediate/, 1, PROBLEM",
        "intermediate/, 30, OK",
        "inter, 1, PROBLEM",
        "words/open/, 10, PROBLEM",
        // What only the program itself may remove, however old.
        "words/snapshot/, 365, PROBLEM",
        "words/snapshot/timestamped/, 365, PROBLEM",
        "words/, 365, PROBLEM",
        "w, 365, PROBLEM",
        "'', 3650, PROBLEM",
        "control/, 365, PROBLEM",
        // A database that is still to come is known by its shape.
        "lines/delta/, 7, PROBLEM",
        "lines/snapshot/, 400, PROBLEM",
        "lines/delta/, 45, OK",
        // What is none of ours.
        "logs/, 1, OK",
        "wordsmith/, 1, OK",
        "control/probe/, 1, OK",
        "exports/delta-lake/, 1, OK",
    })
    void a_rule_is_judged_by_what_it_takes_and_when(String prefix, int days, Level expected) {
        assertThat(level(new LifecycleRule("r", prefix, days, false))).isEqualTo(expected);
    }

    @Test
    void no_rules_are_fine() {
        assertThat(level()).isEqualTo(Level.OK);
    }

    @Test
    void a_rule_for_tagged_objects_is_a_warning_as_no_object_of_ours_is_tagged() {
        assertThat(level(new LifecycleRule("r", "words/delta/", 1, true))).isEqualTo(Level.WARNING);
    }

    @Test
    void every_rule_is_named() {
        var findings = LifecycleChecks.of(
                new Given<>(List.of(
                        new LifecycleRule("one", "batches/", 1, false),
                        new LifecycleRule("two", "words/snapshot/", 90, false))),
                new Given<>(List.of("words")),
                REPLAY);
        assertThat(findings).hasSize(2);
        assertThat(findings.getFirst().says()).contains("one", "batches/", "1 day", "18 days");
        assertThat(findings.getLast().says()).contains("two", "words/snapshot/", "until the program removes it");
    }

    @Test
    void without_a_known_retention_the_horizon_counts() {
        var findings = LifecycleChecks.of(
                new Given<>(List.of(new LifecycleRule("r", "batches/", 29, false))), new Given<>(List.of()), null);
        assertThat(findings.getFirst().level()).isEqualTo(Level.PROBLEM);
    }

    @Test
    void rules_that_may_not_be_read_are_a_warning_and_an_outage_is_asked_again() {
        assertThat(LifecycleChecks.of(none("s3-access-denied"), new Given<>(List.of()), REPLAY))
                .singleElement()
                .satisfies(each -> {
                    assertThat(each.level()).isEqualTo(Level.WARNING);
                    assertThat(each.reason()).isEqualTo("lifecycle-unreadable");
                });
        assertThat(LifecycleChecks.of(none("s3-server-error"), new Given<>(List.of()), REPLAY))
                .singleElement()
                .satisfies(each -> assertThat(each.level()).isEqualTo(Level.UNANSWERED));
    }

    private static Answer<List<LifecycleRule>> none(String reason) {
        return new None<>(new Failure(Blame.DEPENDENCY, reason, "read the lifecycle rules"));
    }
}
