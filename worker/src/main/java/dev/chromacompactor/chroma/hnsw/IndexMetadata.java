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
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code index_metadata.pickle}: which id has which label. Labels count from 1 and are never used twice; a deleted id has none.
 *
 * @param lastLabel the last label handed out
 * @param ids the live ones, in the order of their labels
 * @param labels ascending
 */
record IndexMetadata(int lastLabel, String[] ids, int[] labels) {
    /** Of an index that nothing was put into yet. */
    static IndexMetadata none() {
        return new IndexMetadata(0, new String[0], new int[0]);
    }

    /** Reads the file. Whether an id has two labels is for whoever makes a map of them to see: see {@link #twice}. */
    static IndexMetadata read(Path folder) {
        Path file = folder.resolve(IndexFiles.METADATA);
        Map<Object, Object> top = Pickle.read(file);
        if (!(top.get("total_elements_added") instanceof Integer last) || !isNumber(last)) {
            throw noLabel(file, "total_elements_added", top.get("total_elements_added"));
        }
        Pickle.Dict idToLabel = dict(file, top, "id_to_label");
        Pickle.Dict labelToId = dict(file, top, "label_to_id");
        dict(file, top, "id_to_seq_id");
        IndexMetadata metadata = sorted(file, last, idToLabel);
        metadata.requireSame(file, labelToId);
        return metadata;
    }

    private static IndexMetadata sorted(Path file, int lastLabel, Pickle.Dict idToLabel) {
        long[] order = new long[idToLabel.size()];
        for (int i = 0; i < order.length; i++) {
            if (!(idToLabel.keys().get(i) instanceof String id)) {
                throw invalid(
                        file, "id_to_label has the key " + idToLabel.keys().get(i) + ", which is no string");
            }
            if (!(idToLabel.values().get(i) instanceof Integer label) || !isNumber(label) || label == 0) {
                throw noLabel(
                        file, "id_to_label[" + id + "]", idToLabel.values().get(i));
            }
            order[i] = (long) label << 32 | i;
        }
        Arrays.sort(order);
        String[] ids = new String[order.length];
        int[] labels = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            ids[i] = (String) idToLabel.keys().get((int) order[i]);
            labels[i] = (int) (order[i] >>> 32);
            if (i > 0 && labels[i] == labels[i - 1]) {
                throw invalid(file, "id_to_label has label " + labels[i] + " for " + ids[i - 1] + " and " + ids[i]);
            }
        }
        int highest = labels.length == 0 ? 0 : labels[labels.length - 1];
        return new IndexMetadata(Math.max(lastLabel, highest), ids, labels);
    }

    /** The other dict must say the same. */
    private void requireSame(Path file, Pickle.Dict labelToId) {
        BitSet met = new BitSet(ids.length);
        for (int i = 0; i < labelToId.size(); i++) {
            Object key = labelToId.keys().get(i);
            // Ours has the labels in order.
            int place = key instanceof Integer label
                    ? i < labels.length && labels[i] == label ? i : Arrays.binarySearch(labels, label)
                    : -1;
            if (place < 0) {
                throw invalid(file, "label_to_id has the key " + key + ", which id_to_label gives to no id");
            }
            Object id = labelToId.values().get(i);
            if (!ids[place].equals(id)) {
                throw invalid(file, "label_to_id[" + key + "] is " + shown(id) + ", not " + ids[place]);
            }
            if (met.get(place)) {
                throw invalid(file, "label_to_id has the key " + key + " twice");
            }
            met.set(place);
        }
        if (labelToId.size() != ids.length) {
            throw invalid(file, "label_to_id has " + labelToId.size() + " entries, id_to_label " + ids.length);
        }
    }

    /** The id that has a label; null if none has. */
    @Nullable
    String id(long label) {
        int place = label == (int) label ? Arrays.binarySearch(labels, (int) label) : -1;
        return place < 0 ? null : ids[place];
    }

    /** What to say of an id that has two labels. */
    FailureException twice(Path folder, String id) {
        return invalid(folder.resolve(IndexFiles.METADATA), "id_to_label has the key " + id + " twice");
    }

    /** The same without some ids. */
    IndexMetadata without(Set<String> gone) {
        String[] keptIds = new String[ids.length];
        int[] keptLabels = new int[ids.length];
        int kept = 0;
        for (int i = 0; i < ids.length; i++) {
            if (!gone.contains(ids[i])) {
                keptIds[kept] = ids[i];
                keptLabels[kept++] = labels[i];
            }
        }
        return new IndexMetadata(lastLabel, Arrays.copyOf(keptIds, kept), Arrays.copyOf(keptLabels, kept));
    }

    /** The same and new ids, which get the next labels. */
    IndexMetadata with(List<String> added) {
        int last = Math.addExact(lastLabel, added.size());
        String[] allIds = Arrays.copyOf(ids, ids.length + added.size());
        int[] allLabels = Arrays.copyOf(labels, allIds.length);
        for (int i = 0; i < added.size(); i++) {
            allIds[ids.length + i] = added.get(i);
            allLabels[ids.length + i] = lastLabel + 1 + i;
        }
        return new IndexMetadata(last, allIds, allLabels);
    }

    /**
     * Writes the file in one of two forms with equal contents.
     *
     * @param classForm an instance of chromadb 0.x's {@code PersistentData}, which 1.x reads too; else the plain dict that 1.x writes,
     *     which 0.x does not read. 0.x forgets a deleted id's entry in {@code id_to_seq_id} and fails if it has none, so that form
     *     lists every id there; nobody reads the numbers. 1.x leaves that dict empty.
     */
    void write(Path folder, int dimension, boolean classForm) throws IOException {
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
            for (int i = 0; i < ids.length; i++) {
                out.text(ids[i]);
                out.integer(labels[i]);
            }
            out.op('u');
            out.text("label_to_id");
            out.op('}', '(');
            for (int i = 0; i < ids.length; i++) {
                out.integer(labels[i]);
                out.text(ids[i]);
            }
            out.op('u');
            out.text("id_to_seq_id");
            out.op('}', '(');
            for (int i = 0; classForm && i < ids.length; i++) {
                out.text(ids[i]);
                out.integer(0);
            }
            out.op('u', 'u');
            if (classForm) {
                out.op('b');
            }
            out.op('.');
        }
    }

    private static Pickle.Dict dict(Path file, Map<Object, Object> top, String key) {
        if (top.get(key) instanceof Pickle.Dict dict) {
            return dict;
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
