package dev.chromacompactor.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.preflight.Finding.Level;
import dev.chromacompactor.snapshot.Interposed;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.PutOutcome;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a bucket answers to the probe, and what follows from it. */
class BucketProbeTest {
    private static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");

    private final MemoryObjectStore memory = new MemoryObjectStore("bucket", InstantSource.fixed(NOW));

    private static List<Finding> findings(ObjectStore store, InstantSource clock) {
        return BucketChecks.of(new BucketProbe(store, List::of, clock, 4).ask());
    }

    private static List<Finding> findings(ObjectStore store) {
        return findings(store, InstantSource.fixed(NOW));
    }

    private static List<@Nullable String> reasons(List<Finding> findings, Level level) {
        return findings.stream()
                .filter(each -> each.level() == level)
                .<@Nullable String>map(Finding::reason)
                .distinct()
                .toList();
    }

    @Test
    void a_bucket_that_keeps_its_word_is_fine_and_nothing_is_left_in_it() {
        memory.put("words/delta/a/chroma.sqlite3", new byte[1]);
        assertThat(findings(memory)).hasSize(3).allMatch(each -> each.level() == Level.OK);
        assertThat(memory.list(""))
                .extracting(ObjectStore.ObjectInfo::key)
                .containsExactly("words/delta/a/chroma.sqlite3");
    }

    @Test
    void probes_of_killed_workers_are_taken_away_and_those_of_others_are_not() {
        var store = new MemoryObjectStore("bucket", new InstantSource() {
            private final AtomicInteger calls = new AtomicInteger();

            @Override
            public Instant instant() {
                return calls.getAndIncrement() == 0 ? NOW.minus(Duration.ofHours(2)) : NOW;
            }
        });
        store.put("control/probe/killed/condition", new byte[1]);
        store.put("control/probe/at-work/condition", new byte[1]);
        var _ = findings(store);
        assertThat(store.list(""))
                .extracting(ObjectStore.ObjectInfo::key)
                .containsExactly("control/probe/at-work/condition");
    }

    @Test
    void a_store_that_ignores_if_match_is_refused() {
        var careless = new Interposed(memory) {
            @Override
            public PutOutcome putIfMatch(String key, byte[] body, String etag) {
                return new PutOutcome.Won(put(key, body));
            }
        };
        assertThat(reasons(findings(careless), Level.PROBLEM)).containsExactly("condition-ignored");
        assertThat(memory.list("")).isEmpty();
    }

    @Test
    void a_store_that_ignores_if_none_match_is_refused() {
        var careless = new Interposed(memory) {
            @Override
            public PutOutcome putIfAbsent(String key, byte[] body) {
                return new PutOutcome.Won(put(key, body));
            }
        };
        assertThat(reasons(findings(careless), Level.PROBLEM)).containsExactly("condition-ignored");
    }

    @Test
    void a_store_that_compares_first_and_writes_afterwards_is_refused() {
        var racing = new Interposed(memory) {
            @Override
            public PutOutcome putIfMatch(String key, byte[] body, String etag) {
                boolean matches = head(key).map(ObjectInfo::etag).equals(Optional.of(etag));
                meet(key);
                return matches ? new PutOutcome.Won(put(key, body)) : new PutOutcome.Lost();
            }

            private void meet(String key) {
                if (key.contains("race")) {
                    // Long enough for the others to have compared too.
                    LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                }
            }
        };
        var findings = findings(racing);
        assertThat(reasons(findings, Level.PROBLEM)).containsExactly("condition-not-atomic");
    }

    @Test
    void a_store_that_answers_from_an_old_copy_is_refused() {
        var stale = new Interposed(memory) {
            @Override
            public Optional<Content> read(String key) {
                return super.read(key).map(content -> new Content(content.info(), new byte[0]));
            }
        };
        assertThat(reasons(findings(stale), Level.PROBLEM)).containsExactly("write-not-read-back");
    }

    @Test
    void each_missing_permission_is_named_and_all_of_them() {
        var denied = new Interposed(memory) {
            @Override
            public Optional<Content> read(String key) {
                throw denied("read " + key);
            }

            @Override
            public PutOutcome putIfAbsent(String key, byte[] body) {
                throw denied("write " + key);
            }

            @Override
            public void delete(Collection<String> keys) {
                throw denied("delete " + keys);
            }
        };
        var findings = findings(denied);
        assertThat(reasons(findings, Level.PROBLEM)).containsExactly("s3-access-denied");
        assertThat(findings.stream()
                        .filter(each -> each.level() == Level.PROBLEM)
                        .map(Finding::says))
                .hasSize(3)
                .anyMatch(says -> says.startsWith("read "))
                .anyMatch(says -> says.startsWith("write "))
                .anyMatch(says -> says.startsWith("delete "));
    }

    private static FailureException denied(String doing) {
        return new FailureException(Blame.DEPENDENCY, "s3-access-denied", doing + ": 403 AccessDenied");
    }

    @Test
    void a_bucket_that_is_missing_or_does_not_answer_is_said_once() {
        for (var reason : List.of("s3-bucket-missing", "s3-unreachable", "s3-throttled")) {
            var gone = new Interposed(memory) {
                @Override
                public void list(String prefix, Consumer<ObjectInfo> each) {
                    throw new FailureException(Blame.DEPENDENCY, reason, "list s3://bucket");
                }

                @Override
                public Optional<Content> read(String key) {
                    throw new AssertionError("not asked any more");
                }
            };
            assertThat(findings(gone)).singleElement().satisfies(each -> {
                assertThat(each.reason()).isEqualTo(reason);
                assertThat(each.level())
                        .isEqualTo(reason.equals("s3-bucket-missing") ? Level.PROBLEM : Level.UNANSWERED);
            });
        }
    }

    @Test
    void a_write_without_an_answer_is_asked_again_and_not_refused() {
        memory.fail(call -> call.kind() == MemoryObjectStore.Kind.PUT_IF_ABSENT, Fault.CONFLICT);
        var findings = findings(memory);
        assertThat(reasons(findings, Level.PROBLEM)).isEmpty();
        assertThat(reasons(findings, Level.UNANSWERED)).containsExactly("s3-write-unconfirmed");
    }

    @Test
    void a_clock_that_is_off_is_a_warning_and_far_off_a_problem() {
        for (long sign : new long[] {1, -1}) {
            assertThat(clock(29 * sign)).isEqualTo(Level.OK);
            assertThat(clock(31 * sign)).isEqualTo(Level.WARNING);
            assertThat(clock(299 * sign)).isEqualTo(Level.WARNING);
            assertThat(clock(301 * sign)).isEqualTo(Level.PROBLEM);
        }
    }

    private Level clock(long seconds) {
        return findings(memory, InstantSource.fixed(NOW.plusSeconds(seconds)))
                .getLast()
                .level();
    }
}
