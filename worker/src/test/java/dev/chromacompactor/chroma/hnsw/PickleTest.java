package dev.chromacompactor.chroma.hnsw;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.chroma.ChromaFixtures;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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

    /** Files stay mapped until nothing refers to them. */
    private final Arena arena = Arena.ofAuto();

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void both_forms_are_written_and_read_back(boolean classForm) throws IOException {
        List<String> ids = List.of("a", "", "größer", "an id that is longer than what is hashed at once");

        IndexMetadata.none().write(temp, 5, classForm, new BitSet(), ids);

        IndexMetadata read = read();
        assertThat(read.lastLabel()).isEqualTo(4);
        assertThat(entries(read)).containsExactly("a 1", " 2", "größer 3", ids.get(3) + " 4");
        assertThat(ids).allSatisfy(id -> assertThat(read.id(read.place(id))).isEqualTo(id));
        assertThat(read.place("b")).isNegative();
        assertThat(read.place(3)).isEqualTo(2);
        assertThat(read.place(5)).isNegative();
        assertThat(read.place(1L << 32 | 1)).isNegative();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ids_that_go_take_their_labels_with_them_and_new_ones_get_the_next(boolean classForm) throws IOException {
        IndexMetadata.none().write(temp, 5, classForm, new BitSet(), List.of("a", "b", "c"));

        Path next = Files.createDirectory(temp.resolve("next"));
        BitSet gone = new BitSet();
        gone.set(0);
        gone.set(2);
        read().write(next, 5, classForm, gone, List.of("a"));

        IndexMetadata read = IndexMetadata.read(next, arena);
        assertThat(read.lastLabel()).isEqualTo(4);
        assertThat(entries(read)).containsExactly("b 2", "a 4");
    }

    @ParameterizedTest
    @ValueSource(ints = {999, 1000, 1001, 2000, 30_000})
    void many_ids_are_read_back_in_order_and_found(int count) throws IOException {
        List<String> ids = IntStream.range(0, count).mapToObj(i -> "id " + i).toList();

        IndexMetadata.none().write(temp, 5, false, new BitSet(), ids);

        IndexMetadata read = read();
        assertThat(IntStream.range(0, read.size()).mapToObj(read::id)).containsExactlyElementsOf(ids);
        assertThat(IntStream.range(0, count))
                .allSatisfy(i -> assertThat(read.place(ids.get(i))).isEqualTo(i));
        assertThat(read.place("id " + count)).isNegative();
    }

    @Test
    void the_class_form_lists_every_id_with_a_position_since_old_Chroma_deletes_from_there() throws IOException {
        List<String> ids = List.of("a", "b");

        IndexMetadata.none().write(temp, 5, true, new BitSet(), ids);
        assertThat(dict(pickle(), "id_to_seq_id")).containsExactly("a 0", "b 0");

        IndexMetadata.none().write(temp, 5, false, new BitSet(), ids);
        assertThat(dict(pickle(), "id_to_seq_id")).isEmpty();
    }

    @Test
    void ids_come_in_the_order_of_their_labels_whatever_order_the_dicts_have() throws IOException {
        write("b7 a3", "a3 b7");

        IndexMetadata read = read();

        assertThat(read.lastLabel()).isEqualTo(7);
        assertThat(entries(read)).containsExactly("a 3", "b 7");
    }

    @Test
    void an_id_with_two_labels_is_refused() throws IOException {
        write("a1 b2 a3", "a1 b2 a3");

        assertThatThrownBy(this::read).hasMessageEndingWith("id_to_label has the key a twice");
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

        assertThatThrownBy(this::read).hasMessageEndingWith(complaint);
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

        assertThatThrownBy(this::pickle)
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

        assertThat(Pickle.number(pickle().get("a"))).isEqualTo(7);
        assertThat(pickle().dict("b")).isNotNull();
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
            readOf(Arrays.copyOf(whole, i), true);
            byte[] flipped = whole.clone();
            flipped[i] = (byte) random.nextInt();
            readOf(flipped, false);
        }
    }

    private void readOf(byte[] pickle, boolean mustFail) throws IOException {
        Files.write(file(), pickle);
        try {
            read();
            assertThat(mustFail).isFalse();
        } catch (FailureException e) {
            assertThat(e.failure().reason()).isEqualTo("index-pickle-invalid");
        }
    }

    private IndexMetadata read() {
        return IndexMetadata.read(temp, arena);
    }

    private Pickle pickle() {
        return Pickle.read(file(), IndexFiles.map(file(), arena));
    }

    private static Stream<String> entries(IndexMetadata metadata) {
        return IntStream.range(0, metadata.size()).mapToObj(place -> metadata.id(place) + " " + metadata.label(place));
    }

    private static List<String> dict(Pickle pickle, String name) {
        List<String> items = new ArrayList<>();
        pickle.dict(name).forEach((key, value) -> items.add(pickle.shown(key) + " " + pickle.shown(value)));
        return items;
    }

    private Path file() {
        return temp.resolve("index_metadata.pickle");
    }
}
