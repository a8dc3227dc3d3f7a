package dev.chromacompactor.chroma.hnsw;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code index_metadata.pickle}: which id has which label. Labels count from 1 and are never used twice; a deleted id has none.
 *
 * @param lastLabel the last label handed out
 * @param labels of the live ids
 */
record IndexMetadata(int lastLabel, Map<String, Integer> labels) {
    /**
     * What a file says, both ways.
     *
     * @param ids by label
     */
    record Read(IndexMetadata metadata, Map<Integer, String> ids) {}

    static Read read(Path folder) {
        Path file = folder.resolve(IndexFiles.METADATA);
        Map<Object, Object> top = Pickle.read(file);
        if (!(top.get("total_elements_added") instanceof Integer last) || !isNumber(last)) {
            throw noLabel(file, "total_elements_added", top.get("total_elements_added"));
        }
        Map<?, ?> idToLabel = dict(file, top, "id_to_label");
        Map<?, ?> labelToId = dict(file, top, "label_to_id");
        dict(file, top, "id_to_seq_id");
        for (var entry : idToLabel.entrySet()) {
            if (!(entry.getKey() instanceof String id)) {
                throw invalid(file, "id_to_label has the key " + entry.getKey() + ", which is no string");
            }
            if (!(entry.getValue() instanceof Integer label) || !isNumber(label)) {
                throw noLabel(file, "id_to_label[" + id + "]", entry.getValue());
            }
            if (label == 0 || !id.equals(labelToId.get(label))) {
                throw invalid(file, "label_to_id[" + label + "] is " + shown(labelToId.get(label)) + ", not " + id);
            }
            last = Math.max(last, label);
        }
        if (labelToId.size() != idToLabel.size()) {
            throw invalid(file, "label_to_id has " + labelToId.size() + " entries, id_to_label " + idToLabel.size());
        }
        return new Read(new IndexMetadata(last, checked(idToLabel)), checked(labelToId));
    }

    /** Keys and values were looked at one by one. */
    @SuppressWarnings("unchecked")
    private static <K, V> Map<K, V> checked(Map<?, ?> map) {
        return (Map<K, V>) map;
    }

    /**
     * Writes the file in one of two forms with equal contents.
     *
     * @param classForm an instance of chromadb 0.x's {@code PersistentData}, which 1.x reads too; else the plain dict that 1.x writes,
     *     which 0.x does not read. 0.x forgets a deleted id's entry in {@code id_to_seq_id} and fails if it has none, so that form
     *     lists every id there; nobody reads the numbers. 1.x leaves that dict empty.
     */
    void write(Path folder, int dimension, boolean classForm) throws IOException {
        List<Map.Entry<String, Integer>> sorted = new ArrayList<>(labels.entrySet());
        sorted.sort(Map.Entry.comparingByValue());
        Path file = folder.resolve(IndexFiles.METADATA);
        try (var out = new Writer(FileChannel.open(file, CREATE, WRITE, TRUNCATE_EXISTING))) {
            out.op(0x80, classForm ? 4 : 3);
            if (classForm) {
                out.text("chromadb.segment.impl.vector.local_persistent_hnsw");
                out.text("PersistentData");
                out.op(0x93, ')', 0x81);
            }
            out.op('}', '(');
            out.text("dimensionality");
            out.integer(dimension);
            out.text("total_elements_added");
            out.integer(lastLabel);
            if (!classForm) {
                out.text("max_seq_id");
                out.op('N');
            }
            out.text("id_to_label");
            out.op('}', '(');
            for (var entry : sorted) {
                out.text(entry.getKey());
                out.integer(entry.getValue());
            }
            out.op('u');
            out.text("label_to_id");
            out.op('}', '(');
            for (var entry : sorted) {
                out.integer(entry.getValue());
                out.text(entry.getKey());
            }
            out.op('u');
            out.text("id_to_seq_id");
            out.op('}', '(');
            for (var entry : classForm ? sorted : List.<Map.Entry<String, Integer>>of()) {
                out.text(entry.getKey());
                out.integer(0);
            }
            out.op('u', 'u');
            if (classForm) {
                out.op('b');
            }
            out.op('.');
        }
    }

    private static Map<?, ?> dict(Path file, Map<Object, Object> top, String key) {
        if (top.get(key) instanceof Map<?, ?> map) {
            return map;
        }
        throw invalid(file, "there is no dict " + key);
    }

    private static boolean isNumber(int label) {
        return label >= 0 && label < Integer.MAX_VALUE;
    }

    private static FailureException noLabel(Path file, String field, @Nullable Object value) {
        return invalid(file, field + " is " + shown(value) + ", no label");
    }

    /** Whatever else it is may hold itself, so it is not printed. */
    private static String shown(@Nullable Object value) {
        return value == null || value instanceof String || value instanceof Number
                ? String.valueOf(value)
                : "something else";
    }

    private static FailureException invalid(Path file, String what) {
        return FailureException.input("index-pickle-invalid", "reading " + file + ": " + what);
    }

    /** Gathers blocks of the file: it has two strings and two numbers for each id. */
    private static final class Writer implements AutoCloseable {
        private final FileChannel file;
        private ByteBuffer block = ByteBuffer.allocate(1 << 16).order(LITTLE_ENDIAN);

        private Writer(FileChannel file) {
            this.file = file;
        }

        void op(int... bytes) throws IOException {
            room(bytes.length);
            for (int b : bytes) {
                block.put((byte) b);
            }
        }

        void text(String text) throws IOException {
            byte[] utf8 = text.getBytes(UTF_8);
            room(5 + utf8.length);
            block.put((byte) 'X').putInt(utf8.length).put(utf8);
        }

        void integer(int value) throws IOException {
            room(5);
            block.put((byte) 'J').putInt(value);
        }

        private void room(int bytes) throws IOException {
            if (block.remaining() < bytes) {
                flush();
                if (block.capacity() < bytes) {
                    block = ByteBuffer.allocate(bytes).order(LITTLE_ENDIAN);
                }
            }
        }

        private void flush() throws IOException {
            block.flip();
            while (block.hasRemaining()) {
                file.write(block);
            }
            block.clear();
        }

        @Override
        public void close() throws IOException {
            try (file) {
                flush();
            }
        }
    }
}
