package dev.chromacompactor.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.preflight.Finding;
import dev.chromacompactor.preflight.Finding.Level;
import dev.chromacompactor.preflight.Report;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StartUpTest {
    private final Queue<Report> reports = new ArrayDeque<>();
    private final List<Duration> pauses = new ArrayList<>();

    private static Report report(Level... levels) {
        var findings = new ArrayList<Finding>();
        for (Level level : levels) {
            findings.add(new Finding(level, "queue", "a-reason-" + findings.size(), "found it so", "do that"));
        }
        return new Report(findings);
    }

    private boolean passed(int stopAfter) throws InterruptedException {
        return StartUp.passed(
                reports::remove,
                pause -> {
                    pauses.add(pause);
                    return pauses.size() == stopAfter;
                },
                new Random(7));
    }

    @Test
    void what_is_fine_or_only_a_warning_starts_at_once() throws Exception {
        reports.add(report(Level.OK, Level.WARNING));
        assertThat(passed(0)).isTrue();
        assertThat(pauses).isEmpty();
    }

    @Test
    void problems_are_refused_all_together() {
        reports.add(report(Level.PROBLEM, Level.OK, Level.PROBLEM));
        assertThatThrownBy(() -> passed(0)).isInstanceOfSatisfying(ConfigException.class, e -> {
            assertThat(e.problems())
                    .hasSize(2)
                    .allMatch(each -> each.contains("found it so") && each.contains("do that"));
            assertThat(e.problems().getFirst()).contains("[a-reason-0]");
            assertThat(e.hint()).contains("compactor doctor");
        });
    }

    @Test
    void an_outage_is_waited_out() throws Exception {
        reports.addAll(List.of(report(Level.UNANSWERED), report(Level.UNANSWERED), report(Level.OK)));
        assertThat(passed(0)).isTrue();
        assertThat(pauses).hasSize(2);
    }

    @Test
    void a_problem_is_refused_even_during_an_outage_which_is_mentioned() {
        reports.add(report(Level.UNANSWERED, Level.PROBLEM));
        assertThatThrownBy(() -> passed(0))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems())
                                .satisfiesExactly(
                                        first -> assertThat(first).contains("not looked at", "a-reason-0"),
                                        second -> assertThat(second).contains("a-reason-1")));
    }

    @Test
    void a_problem_that_shows_after_an_outage_is_refused_then() {
        reports.addAll(List.of(report(Level.UNANSWERED), report(Level.PROBLEM)));
        assertThatThrownBy(() -> passed(0)).isInstanceOf(ConfigException.class);
    }

    @Test
    void pauses_grow_to_a_minute_and_differ() throws Exception {
        for (int tries = 0; tries < 20; tries++) {
            reports.add(report(Level.UNANSWERED));
        }
        assertThat(passed(20)).isFalse();
        assertThat(pauses.getFirst()).isBetween(Duration.ofMillis(500), Duration.ofSeconds(1));
        assertThat(pauses.subList(7, 20))
                .allSatisfy(each -> assertThat(each).isBetween(Duration.ofSeconds(30), Duration.ofMinutes(1)))
                .doesNotHaveDuplicates();
    }

    @Test
    void who_is_stopped_meanwhile_does_not_start() throws Exception {
        reports.add(report(Level.UNANSWERED));
        assertThat(passed(1)).isFalse();
    }
}
