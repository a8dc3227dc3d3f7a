package dev.chromacompactor.store;

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
}
