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
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@NullUnmarked
class PickleTest {
    @TempDir
    Path temp;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void both_forms_are_written_and_read_back(boolean classForm) throws IOException {
        String[] ids = {"a", "", "größer"};
        int[] labels = {1, 3, 70_000};

        new IndexMetadata(80_000, ids, labels).write(temp, 5, classForm);

        IndexMetadata read = IndexMetadata.read(temp);
        assertThat(read.lastLabel()).isEqualTo(80_000);
        assertThat(read.ids()).containsExactly(ids);
        assertThat(read.labels()).containsExactly(labels);
        assertThat(read.id(70_000)).isEqualTo("größer");
        assertThat(read.id(2)).isNull();
        assertThat(read.id(1L << 32 | 1)).isNull();
    }

    @Test
    void the_class_form_lists_every_id_with_a_position_since_old_Chroma_deletes_from_there() throws IOException {
        var metadata = new IndexMetadata(2, new String[] {"a", "b"}, new int[] {1, 2});

        metadata.write(temp, 5, true);
        assertThat(Pickle.read(file()).get("id_to_seq_id"))
                .isEqualTo(new Pickle.Dict(List.of("a", "b"), List.of(0, 0)));

        metadata.write(temp, 5, false);
        assertThat(Pickle.read(file()).get("id_to_seq_id")).isEqualTo(new Pickle.Dict(List.of(), List.of()));
    }

    @Test
    void ids_come_in_the_order_of_their_labels_whatever_order_the_dicts_have() throws IOException {
        write("b7 a3", "a3 b7");

        IndexMetadata read = IndexMetadata.read(temp);

        assertThat(read.lastLabel()).isEqualTo(7);
        assertThat(read.ids()).containsExactly("a", "b");
        assertThat(read.labels()).containsExactly(3, 7);
    }

    @ParameterizedTest
    @CsvSource({
        "a1 b1, a1 b1, id_to_label has label 1 for a and b",
        "a1 b2, a1 a1, label_to_id has the key 1 twice",
        "a1 b2, a1, 'label_to_id has 1 entries, id_to_label 2'",
        "a1 b2, b1 a2, 'label_to_id[1] is b, not a'",
        "a1 b2, a1 b3, 'label_to_id has the key 3, which id_to_label gives to no id'",
        "a0, a0, 'id_to_label[a] is 0, no label'",
    })
    void dicts_that_contradict_each_other_are_refused(String idToLabel, String labelToId, String complaint)
            throws IOException {
        write(idToLabel, labelToId);

        assertThatThrownBy(() -> IndexMetadata.read(temp)).hasMessageEndingWith(complaint);
    }

    /** A pickle of two dicts, both given as ids of one letter with their labels of one digit. */
    private void write(String idToLabel, String labelToId) throws IOException {
        String pickle = "}(" + text("total_elements_added") + "K\u0002"
                + text("id_to_label") + "}("
                + idToLabel.replaceAll("(\\w)(\\d) ?", "X\u0001\0\0\0$1K<$2>") + "u"
                + text("label_to_id") + "}("
                + labelToId.replaceAll("(\\w)(\\d) ?", "K<$2>X\u0001\0\0\0$1") + "u"
                + text("id_to_seq_id") + "}u.";
        for (char digit = '0'; digit <= '9'; digit++) {
            pickle = pickle.replace("<" + digit + ">", String.valueOf((char) (digit - '0')));
        }
        Files.write(file(), ("\u0080\u0003" + pickle).getBytes(ISO_8859_1));
    }

    private static String text(String ascii) {
        return "X" + (char) ascii.length() + "\0\0\0" + ascii;
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
