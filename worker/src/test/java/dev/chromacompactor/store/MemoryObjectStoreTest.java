package dev.chromacompactor.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.store.MemoryObjectStore.Fault;
import dev.chromacompactor.store.MemoryObjectStore.Kind;
import dev.chromacompactor.store.PutOutcome.Lost;
import dev.chromacompactor.store.PutOutcome.Unknown;
import dev.chromacompactor.store.PutOutcome.Won;
import org.junit.jupiter.api.Test;

class MemoryObjectStoreTest extends ObjectStoreContract {
    private final MemoryObjectStore store = new MemoryObjectStore("memory");

    @Override
    ObjectStore store() {
        return store;
    }

    @Test
    void an_armed_fault_hits_one_call() {
        store.fail(Kind.PUT_IF_ABSENT, "a", Fault.ANSWER_LOST);
        assertThat(store.putIfAbsent("a", bytes("1"))).isInstanceOf(Unknown.class);
        assertThat(store.head("a")).isPresent();

        store.fail(Kind.PUT_IF_ABSENT, "b", Fault.CONFLICT);
        assertThat(store.putIfAbsent("b", bytes("1"))).isInstanceOf(Unknown.class);
        assertThat(store.head("b")).isEmpty();

        store.fail(Kind.PUT_IF_ABSENT, "b", Fault.PRECONDITION_FAILED);
        assertThat(store.putIfAbsent("b", bytes("1"))).isEqualTo(new Lost());
        assertThat(store.putIfAbsent("b", bytes("1"))).isInstanceOf(Won.class);

        store.fail(Kind.READ, "b", Fault.SLOW_DOWN);
        assertFails(() -> store.read("b"), Blame.DEPENDENCY, "s3-throttled");
        assertThat(store.read("b")).isPresent();
    }

    @Test
    void another_worker_can_act_in_between() {
        var etag = store.put("pointer", bytes("1"));
        store.onCall(call -> {
            if (call.kind() == Kind.PUT_IF_MATCH) {
                store.onCall(c -> {});
                store.put("pointer", bytes("theirs"));
            }
        });
        assertThat(store.putIfMatch("pointer", bytes("ours"), etag)).isEqualTo(new Lost());
    }

    @Test
    void an_object_is_settled_whatever_becomes_of_the_writes_and_whoever_writes_beside() {
        store.fail(Kind.PUT_IF_ABSENT, "a", Fault.CONFLICT);
        assertThat(store.settle("a", bytes("1"))).isEqualTo(bytes("1"));
        assertThat(store.settle("a", bytes("2"))).isEqualTo(bytes("1"));

        store.onCall(call -> {
            if (call.kind() == Kind.PUT_IF_MATCH) {
                store.onCall(c -> {});
                store.put("a", bytes("theirs"));
            }
        });
        byte[] now = store.settle("a", there -> there.map(before -> bytes(text(before) + "+")));
        assertThat(text(now)).isEqualTo("theirs+");
        assertThat(store.read("a").orElseThrow().bytes()).isEqualTo(now);
    }

    @Test
    void an_object_of_which_no_answer_says_that_it_is_there_is_the_stores_fault() {
        store.onCall(call -> {
            if (call.kind() == Kind.READ) {
                store.fail(Kind.PUT_IF_ABSENT, "a", Fault.CONFLICT);
            }
        });

        assertFails(() -> store.settle("a", bytes("1")), Blame.DEPENDENCY, "s3-write-unconfirmed");
        assertThat(store.head("a")).isEmpty();
    }

    private static String text(byte[] bytes) {
        return new String(bytes, UTF_8);
    }
}
