package dev.chromacompactor.chroma.hnsw;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@NullUnmarked
class PickleTest {
    @TempDir
    Path temp;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void both_forms_are_written_and_read_back(boolean classForm) throws IOException {
        Map<String, Integer> labels = Map.of("a", 1, "größer", 70_000, "", 3);

        new IndexMetadata(80_000, labels).write(temp, 5, classForm);

        IndexMetadata.Read read = IndexMetadata.read(temp);
        assertThat(read.metadata()).isEqualTo(new IndexMetadata(80_000, labels));
        assertThat(read.ids()).isEqualTo(Map.of(1, "a", 70_000, "größer", 3, ""));
    }

    @Test
    void the_class_form_lists_every_id_with_a_position_since_old_Chroma_deletes_from_there() throws IOException {
        new IndexMetadata(2, Map.of("a", 1, "b", 2)).write(temp, 5, true);
        assertThat(Pickle.read(file()).get("id_to_seq_id")).isEqualTo(Map.of("a", 0, "b", 0));

        new IndexMetadata(2, Map.of("a", 1, "b", 2)).write(temp, 5, false);
        assertThat(Pickle.read(file()).get("id_to_seq_id")).isEqualTo(Map.of());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cos\nsystem\n.", // a class that is not ours
                "\u008c\u0005posix\u008c\u0006system\u0093.",
                "}R.", // a call
                "]\u0094.", // a list
                "h\u0000.", // a memo nobody set
                "u.",
                "}K\u0001s.",
                "(.",
                "N.",
                ")\u0081.",
                "}}b.",
                "}(}K\u0001u.", // a dict as a key
                "}(K\u0001u.",
                "X\u00ff\u00ff\u00ff\u007f.", // a string longer than the file
                "X\u0001\u0000\u0000\u0000\u00ff.", // not UTF-8
                "\u0095\u00ff\u0000\u0000\u0000\u0000\u0000\u0000\u0000.",
                "\u008a\u0009\u0001\u0001\u0001\u0001\u0001\u0001\u0001\u0001\u0001.",
                "}(X\u0001\u0000\u0000\u0000aNX\u0001\u0000\u0000\u0000aNu.", // a key twice
                "",
            })
    void anything_else_is_refused(String opcodes) throws IOException {
        Files.write(file(), ("\u0080\u0004" + opcodes).getBytes(ISO_8859_1));

        assertThatThrownBy(() -> Pickle.read(file()))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo("index-pickle-invalid"));
    }

    @Test
    void a_pickle_from_protocol_2_with_a_named_class_is_read() throws IOException {
        String pickle =
                "\u0080\u0002cchromadb.segment.impl.vector.local_persistent_hnsw\nPersistentData\nq\u0000)\u0081q\u0001"
                        + "}q\u0002(X\u0001\u0000\u0000\u0000aK\u0007X\u0001\u0000\u0000\u0000bh\u0002Nub.";
        Files.write(file(), pickle.replace("Nub.", "ub.").getBytes(ISO_8859_1));

        assertThat(Pickle.read(file())).containsEntry("a", 7).containsKey("b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.6.3", "1.5.9"})
    void no_cut_and_no_flipped_byte_does_anything_but_fail_by_name(String version) throws IOException {
        byte[] whole;
        try (var files = Files.walk(ChromaFixtures.unpack(version, "churn", temp.resolve("db")))) {
            whole = Files.readAllBytes(files.filter(f -> f.endsWith("index_metadata.pickle"))
                    .findFirst()
                    .orElseThrow());
        }
        Random random = new Random(1);
        for (int i = 0; i < whole.length; i += 2) {
            read(Arrays.copyOf(whole, i), true);
            byte[] flipped = whole.clone();
            flipped[i] = (byte) random.nextInt();
            read(flipped, false);
        }
    }

    private void read(byte[] pickle, boolean mustFail) throws IOException {
        Files.write(file(), pickle);
        try {
            IndexMetadata.read(temp);
            assertThat(mustFail).isFalse();
        } catch (FailureException e) {
            assertThat(e.failure().reason()).isEqualTo("index-pickle-invalid");
        }
    }

    private Path file() {
        return temp.resolve("index_metadata.pickle");
    }
}
