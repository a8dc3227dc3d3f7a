package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.control.Pause;
import dev.chromacompactor.control.Pauses;
import dev.chromacompactor.queue.Gate;
import dev.chromacompactor.store.MemoryObjectStore;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PauseGateTest {
    private static final String KEY = "control/pause.json";

    private Instant now = Instant.parse("2026-11-24T12:00:00Z");
    private final MemoryObjectStore store = new MemoryObjectStore("bucket");
    private final Pauses pauses = new Pauses(store, () -> now);
    private final Deque<Runnable> reads = new ArrayDeque<>();
    private final PauseGate gate = new PauseGate(pauses, () -> now, reads::add);
    private int gets;

    @BeforeEach
    void count() {
        store.onCall(call -> gets += call.kind() == Kind.READ ? 1 : 0);
    }

    private void pause(Instant until) {
        pauses.write(null, new Pause("bucket moves", "ada", now, until));
    }

    private void later(Duration time) {
        now = now.plus(time);
    }

    private void read() {
        assertThat(reads).hasSize(1);
        reads.remove().run();
    }

    /** As after a start: asked once, and answered. */
    private void known() {
        var _ = gate.closed();
        read();
    }

    private Optional<String> why() {
        return gate.closed().map(Gate.Closed::why);
    }

    @Test
    void it_opens_once_it_is_known_that_nothing_is_paused() {
        assertThat(why()).hasValueSatisfying(why -> assertThat(why).contains("is not known"));
        read();
        assertThat(gate.closed()).isEmpty();
    }

    @Test
    void not_each_poll_costs_a_read() {
        known();
        for (int poll = 0; poll < 1000; poll++) {
            assertThat(gate.closed()).isEmpty();
        }
        assertThat(reads).isEmpty();
        assertThat(gets).isEqualTo(1);
    }

    @Test
    void a_pause_is_noticed_within_five_seconds_and_so_is_its_end() {
        known();
        pause(null);
        later(PauseGate.FRESH);
        assertThat(gate.closed()).isEmpty();
        read();
        assertThat(why()).hasValueSatisfying(why -> assertThat(why).contains("paused: bucket moves", "ada"));
        pauses.remove(null);
        later(PauseGate.FRESH);
        var _ = gate.closed();
        read();
        assertThat(gate.closed()).isEmpty();
    }

    @Test
    void a_pause_with_an_end_ends_without_a_read() {
        pause(now.plusSeconds(3));
        known();
        assertThat(gate.closed()).isPresent();
        later(Duration.ofSeconds(3));
        assertThat(gate.closed()).isEmpty();
        assertThat(gets).isEqualTo(1);
    }

    @Test
    void a_slow_read_is_not_started_twice_and_what_was_known_is_believed_for_half_a_minute() {
        known();
        later(PauseGate.FRESH);
        assertThat(gate.closed()).isEmpty();
        later(PauseGate.STALE.minus(PauseGate.FRESH).minusNanos(1));
        assertThat(gate.closed()).isEmpty();
        later(Duration.ofNanos(1));
        assertThat(why()).hasValueSatisfying(why -> assertThat(why).contains("is not known"));
        assertThat(reads).hasSize(1);
        read();
        assertThat(gate.closed()).isEmpty();
    }

    @Test
    void while_s3_does_not_answer_there_is_no_polling_and_the_gate_says_why() {
        known();
        later(PauseGate.STALE);
        store.fail(Kind.READ, KEY, Fault.SLOW_DOWN);
        var _ = gate.closed();
        read();
        assertThat(why()).hasValueSatisfying(why -> assertThat(why).contains("is not known", "503 SlowDown"));
        read();
        assertThat(gate.closed()).isEmpty();
    }

    @Test
    void an_object_that_cannot_be_read_keeps_it_closed() {
        store.put(KEY, "soon".getBytes(UTF_8));
        known();
        assertThat(why()).hasValueSatisfying(why -> assertThat(why).contains("paused", "cannot be read"));
    }

    @Test
    void the_pause_of_one_database_does_not_close_it() {
        pauses.write("words", new Pause("labels", null, null, null));
        known();
        assertThat(gate.closed()).isEmpty();
    }
}
