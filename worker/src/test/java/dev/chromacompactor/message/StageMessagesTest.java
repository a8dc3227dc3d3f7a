package dev.chromacompactor.message;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.FinalMerge;
import dev.chromacompactor.message.Message.MergeGroup;
import dev.chromacompactor.message.Message.ProcessChunk;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StageMessagesTest {
    @Test
    void what_we_send_is_what_we_read() {
        assertThat(MessageParser.parse(StageMessages.finalMerge("b", "words"), Map.of()))
                .isEqualTo(new FinalMerge("b", "words", null, null, null, false));
        assertThat(MessageParser.parse(StageMessages.mergeGroup("b-group-2", 2, "words"), Map.of()))
                .isEqualTo(new MergeGroup("b-group-2", 2, "words", null, null));
        assertThat(MessageParser.parse(StageMessages.processChunk("b", 3, "words"), Map.of()))
                .isEqualTo(new ProcessChunk("b", List.of(3), false, "words", null, null));
    }

    @Test
    void deltas_survive_the_way_and_are_ascii() {
        var deltas = List.of(
                new DeltaRef("bkt", "words/delta/ü😀/", "words", 3L, 1795503600123L),
                new DeltaRef(null, "words/delta/b/delta.tar.gz", null, null, null));
        var body = StageMessages.processChunk("b", 0, "words", deltas);
        assertThat(body).isASCII();
        assertThat(MessageParser.parse(body, Map.of()))
                .isEqualTo(new ProcessChunk("b", List.of(0), false, "words", deltas, null));
    }

    @Test
    void the_bodies_are_the_predecessors() {
        assertThat(StageMessages.finalMerge("b", "words"))
                .isEqualTo("{\"operation\":\"final_merge\",\"batch_id\":\"b\",\"database\":\"words\"}");
    }
}
