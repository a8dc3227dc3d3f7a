package dev.chromacompactor.chroma.hnsw;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * {@code index_metadata.pickle}: which id has which label. Labels count from 1 and are never used twice; a deleted id has none.
 *
 * <p>The ids stay in the file, mapped as long as the arena is open; each takes about 20 bytes of the heap, whatever its length. They are
 * numbered by their places in the order of their labels.
 */
final class IndexMetadata {
    /** Items of a dict that are set at once. */
    private static final int PART = 1000;

    private static final long FACTOR = 0x9e3779b97f4a7c15L;

    private final Path file;
    private final ByteBuffer bytes;
    private final int lastLabel;

    /** Where each id lies in the file, see {@link Pickle}. */
    private final long[] ids;

    /** Ascending. */
    private final int[] labels;

    /** The places of ids, and 1; each is found by the hash of its id, or next to there. */
    private final int[] table;

    private IndexMetadata(Path file, ByteBuffer bytes, int lastLabel, long[] ids, int[] labels) {
        this.file = file;
        this.bytes = bytes;
        this.lastLabel = lastLabel;
        this.ids = ids;
        this.labels = labels;
        this.table = new int[ids.length + ids.length / 2 + 1];
        for (int place = 0; place < ids.length; place++) {
            enter(place);
        }
    }

    /** Of an index that nothing was put into yet. */
    static IndexMetadata none() {
        return new IndexMetadata(Path.of(IndexFiles.METADATA), ByteBuffer.allocate(0), 0, new long[0], new int[0]);
    }

    static IndexMetadata read(Path folder, Arena arena) {
        Path file = folder.resolve(IndexFiles.METADATA);
        ByteBuffer bytes = IndexFiles.map(file, arena);
        Pickle pickle = Pickle.read(file, bytes);
        long last = pickle.get("total_elements_added");
        if (!isLabel(last, 0)) {
            throw noLabel(file, "total_elements_added", pickle.shown(last));
        }
        Pickle.Dict idToLabel = dict(file, pickle, "id_to_label");
        Pickle.Dict labelToId = dict(file, pickle, "label_to_id");
        dict(file, pickle, "id_to_seq_id");
        IndexMetadata metadata = sorted(file, bytes, (int) Pickle.number(last), idToLabel, pickle);
        metadata.requireSame(labelToId, pickle);
        return metadata;
    }

    private static IndexMetadata sorted(
            Path file, ByteBuffer bytes, int lastLabel, Pickle.Dict idToLabel, Pickle pickle) {
        long[] ids = new long[idToLabel.size()];
        int[] labels = new int[ids.length];
        int[] count = {0};
        boolean[] inOrder = {true};
        idToLabel.forEach((id, label) -> {
            if (!Pickle.isText(id)) {
                throw invalid(file, "id_to_label has the key " + pickle.shown(id) + ", which is no string");
            }
            if (!isLabel(label, 1)) {
                throw noLabel(file, "id_to_label[" + pickle.shown(id) + "]", pickle.shown(label));
            }
            int place = count[0]++;
            ids[place] = id;
            labels[place] = (int) Pickle.number(label);
            inOrder[0] &= place == 0 || labels[place - 1] < labels[place];
        });
        if (!inOrder[0]) {
            sort(labels, ids);
        }
        for (int i = 1; i < ids.length; i++) {
            if (labels[i] == labels[i - 1]) {
                throw invalid(
                        file,
                        "id_to_label has label " + labels[i] + " for " + pickle.shown(ids[i - 1]) + " and "
                                + pickle.shown(ids[i]));
            }
        }
        int highest = labels.length == 0 ? 0 : labels[labels.length - 1];
        return new IndexMetadata(file, bytes, Math.max(lastLabel, highest), ids, labels);
    }

    /** Sorts ids by their labels. */
    private static void sort(int[] labels, long[] ids) {
        long[] order = new long[ids.length];
        Arrays.setAll(order, i -> (long) labels[i] << 32 | i);
        Arrays.sort(order);
        long[] before = ids.clone();
        for (int i = 0; i < order.length; i++) {
            labels[i] = (int) (order[i] >>> 32);
            ids[i] = before[(int) order[i]];
        }
    }

    /** The other dict must say the same. */
    private void requireSame(Pickle.Dict labelToId, Pickle pickle) {
        BitSet met = new BitSet(ids.length);
        int[] count = {0};
        labelToId.forEach((label, id) -> {
            int i = count[0]++;
            // Ours has the labels in order.
            int place = !Pickle.isNumber(label)
                    ? -1
                    : i < labels.length && labels[i] == Pickle.number(label) ? i : place(Pickle.number(label));
            if (place < 0) {
                throw invalid(
                        file, "label_to_id has the key " + pickle.shown(label) + ", which id_to_label gives to no id");
            }
            if (id != ids[place] && !(Pickle.isText(id) && isId(place, bytes, Pickle.start(id), Pickle.length(id)))) {
                throw invalid(
                        file, "label_to_id[" + pickle.shown(label) + "] is " + pickle.shown(id) + ", not " + id(place));
            }
            if (met.get(place)) {
                throw invalid(file, "label_to_id has the key " + pickle.shown(label) + " twice");
            }
            met.set(place);
        });
        if (labelToId.size() != ids.length) {
            throw invalid(file, "label_to_id has " + labelToId.size() + " entries, id_to_label " + ids.length);
        }
    }

    private void enter(int place) {
        int start = Pickle.start(ids[place]);
        int length = Pickle.length(ids[place]);
        int at = slot(bytes, start, length);
        while (table[at] != 0) {
            if (isId(table[at] - 1, bytes, start, length)) {
                throw invalid(file, "id_to_label has the key " + id(place) + " twice");
            }
            at = next(at);
        }
        table[at] = place + 1;
    }

    /** The place of an id; negative if it has none. */
    int place(String id) {
        ByteBuffer utf8 = ByteBuffer.wrap(id.getBytes(UTF_8)).order(LITTLE_ENDIAN);
        int at = slot(utf8, 0, utf8.limit());
        while (table[at] != 0 && !isId(table[at] - 1, utf8, 0, utf8.limit())) {
            at = next(at);
        }
        return table[at] - 1;
    }

    /** Where to begin to look for an id. */
    private int slot(ByteBuffer utf8, int start, int length) {
        long hash = length;
        int i = 0;
        for (; i <= length - Long.BYTES; i += Long.BYTES) {
            hash = (hash ^ utf8.getLong(start + i)) * FACTOR;
            hash ^= hash >>> 32;
        }
        for (; i < length; i++) {
            hash = (hash ^ utf8.get(start + i)) * FACTOR;
        }
        hash ^= hash >>> 32;
        return (int) ((((hash * FACTOR) >>> 32) * table.length) >>> 32);
    }

    private int next(int slot) {
        return slot + 1 == table.length ? 0 : slot + 1;
    }

    private boolean isId(int place, ByteBuffer utf8, int start, int length) {
        if (Pickle.length(ids[place]) != length) {
            return false;
        }
        int own = Pickle.start(ids[place]);
        int i = 0;
        for (; i <= length - Long.BYTES; i += Long.BYTES) {
            if (bytes.getLong(own + i) != utf8.getLong(start + i)) {
                return false;
            }
        }
        for (; i < length; i++) {
            if (bytes.get(own + i) != utf8.get(start + i)) {
                return false;
            }
        }
        return true;
    }

    int lastLabel() {
        return lastLabel;
    }

    int size() {
        return ids.length;
    }

    String id(int place) {
        return Pickle.text(bytes, ids[place]);
    }

    int label(int place) {
        return labels[place];
    }

    /** The place of the id that has a label; negative if none has. */
    int place(long label) {
        return label == (int) label ? Arrays.binarySearch(labels, (int) label) : -1;
    }

    /**
     * Writes this without some ids, and with new ones, in one of two forms with equal contents.
     *
     * @param classForm an instance of chromadb 0.x's {@code PersistentData}, which 1.x reads too; else the plain dict that 1.x writes,
     *     which 0.x does not read. 0.x forgets a deleted id's entry in {@code id_to_seq_id} and fails if it has none, so that form
     *     lists every id there; nobody reads the numbers. 1.x leaves that dict empty.
     * @param gone the places of ids to be left out
     * @param added ids that get the next labels
     */
    void write(Path folder, int dimension, boolean classForm, BitSet gone, List<String> added) throws IOException {
        Path target = folder.resolve(IndexFiles.METADATA);
        try (var out = new Writer(FileChannel.open(target, CREATE, WRITE, TRUNCATE_EXISTING))) {
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
            out.integer(Math.addExact(lastLabel, added.size()));
            if (!classForm) {
                out.text("max_seq_id");
                out.op('N');
            }
            out.text("id_to_label");
            dict(out, gone, added, (id, start, length, label) -> {
                out.text(id, start, length);
                out.integer(label);
            });
            out.text("label_to_id");
            dict(out, gone, added, (id, start, length, label) -> {
                out.integer(label);
                out.text(id, start, length);
            });
            out.text("id_to_seq_id");
            if (classForm) {
                dict(out, gone, added, (id, start, length, _) -> {
                    out.text(id, start, length);
                    out.integer(0);
                });
            } else {
                out.op('}');
            }
            out.op('u');
            if (classForm) {
                out.op('b');
            }
            out.op('.');
        }
    }

    private interface Item {
        /** @param id a buffer with the id somewhere in it */
        void write(ByteBuffer id, int start, int length, int label) throws IOException;
    }

    /** In parts, as Python writes it, so that whoever reads it needs a stack for one of them only. */
    private void dict(Writer out, BitSet gone, List<String> added, Item item) throws IOException {
        out.op('}');
        int count = 0;
        for (int place = gone.nextClearBit(0); place < ids.length; place = gone.nextClearBit(place + 1)) {
            part(out, count++);
            item.write(bytes, Pickle.start(ids[place]), Pickle.length(ids[place]), labels[place]);
        }
        for (int i = 0; i < added.size(); i++) {
            ByteBuffer id = ByteBuffer.wrap(added.get(i).getBytes(UTF_8));
            part(out, count++);
            item.write(id, 0, id.limit(), lastLabel + 1 + i);
        }
        if (count > 0) {
            out.op('u');
        }
    }

    private static void part(Writer out, int count) throws IOException {
        if (count % PART == 0) {
            if (count > 0) {
                out.op('u');
            }
            out.op('(');
        }
    }

    private static Pickle.Dict dict(Path file, Pickle pickle, String key) {
        Pickle.Dict dict = pickle.dict(key);
        if (dict == null) {
            throw invalid(file, "there is no dict " + key);
        }
        return dict;
    }

    private static boolean isLabel(long value, int least) {
        return Pickle.isNumber(value) && Pickle.number(value) >= least && Pickle.number(value) < Integer.MAX_VALUE;
    }

    private static FailureException noLabel(Path file, String field, String value) {
        return invalid(file, field + " is " + value + ", no label");
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
            ByteBuffer utf8 = UTF_8.encode(text);
            text(utf8, 0, utf8.limit());
        }

        void text(ByteBuffer utf8, int start, int length) throws IOException {
            room(5 + length);
            block.put((byte) 'X').putInt(length).put(block.position(), utf8, start, length);
            block.position(block.position() + length);
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
