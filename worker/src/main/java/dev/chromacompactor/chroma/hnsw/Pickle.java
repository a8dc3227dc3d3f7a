package dev.chromacompactor.chroma.hnsw;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.chromacompactor.failure.FailureException;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the few pickle opcodes (protocols 2 to 5) that Chroma's index metadata consists of: dicts, strings, integers, None, and one
 * instance of {@code PersistentData} whose attributes are a dict. Nothing is ever looked up or run; any other opcode is an error.
 *
 * <p>There are two strings and two integers for each id, so none becomes an object: a value is a {@code long}, which says of a string where
 * it lies in the file. Memory is bounded by the file: an opcode pushes one value at most, and a value that repeats is shared.
 */
final class Pickle {
    private static final String MODULE = "chromadb.segment.impl.vector.local_persistent_hnsw";
    private static final String CLASS = "PersistentData";
    private static final char REPLACED = '\ufffd';
    private static final long NOT_ASCII = 0x8080808080808080L;

    // Values: the lowest two bits say what the others are.
    /** A place among the objects. */
    private static final int OBJECT = 0;

    private static final int NUMBER = 1;
    /** Where its bytes begin, and, in 31 bits, how many they are. */
    private static final int TEXT = 2;

    private static final long NONE = OBJECT;
    private static final long MARK = 1 << 2 | OBJECT;
    private static final long EMPTY_TUPLE = 2 << 2 | OBJECT;
    private static final long PERSISTENT_DATA = 3 << 2 | OBJECT;

    private final Path file;
    private final ByteBuffer in;
    private final Values stack = new Values();
    private final Values memo = new Values();

    /** Dicts and instances; the first places are those of what has nothing in it. */
    private final List<Object> objects = new ArrayList<>(Arrays.asList(null, null, null, null));

    private final Map<String, Long> top = new HashMap<>();

    /** A list of values. */
    private static final class Values {
        private long[] values = new long[16];
        private int size;

        private void add(long value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, Math.addExact(size, size >> 1));
            }
            values[size++] = value;
        }
    }

    /** A dict as it was written: keys, which are strings and integers, and their values. Of a large one nobody needs a copy as a map. */
    static final class Dict {
        /** Each key with its value behind it, as many as were set at once. */
        private final List<long[]> parts = new ArrayList<>();

        private int size;

        interface Item {
            void take(long key, long value);
        }

        int size() {
            return size;
        }

        void forEach(Item each) {
            for (long[] part : parts) {
                for (int i = 0; i < part.length; i += 2) {
                    each.take(part[i], part[i + 1]);
                }
            }
        }

        private void add(long[] items) {
            parts.add(items);
            size = Math.addExact(size, items.length / 2);
        }
    }

    /** The instance under construction: created by NEWOBJ, given its attributes by BUILD. */
    private record Instance(Dict attributes) {}

    private Pickle(Path file, ByteBuffer bytes) {
        this.file = file;
        this.in = bytes.duplicate().order(LITTLE_ENDIAN);
    }

    /**
     * Reads a file. Of its dict, or of the attributes of its instance, the values can be asked for by name. Whether inner dicts have a key
     * twice is for the caller to see.
     *
     * @param bytes all of the file, to which the values refer
     */
    static Pickle read(Path file, ByteBuffer bytes) {
        Pickle pickle = new Pickle(file, bytes);
        try {
            pickle.run();
        } catch (BufferUnderflowException _) {
            throw pickle.invalid("ends early");
        }
        return pickle;
    }

    /** What the top dict has under a name; None, if there is nothing. */
    long get(String key) {
        return top.getOrDefault(key, NONE);
    }

    /** The dict under a name; null if there is none, or something else. */
    @Nullable
    Dict dict(String key) {
        return object(get(key)) instanceof Dict dict ? dict : null;
    }

    static boolean isText(long value) {
        return (value & 3) == TEXT;
    }

    static boolean isNumber(long value) {
        return (value & 3) == NUMBER;
    }

    /** Of a number. */
    static long number(long value) {
        return value >> 2;
    }

    /** Of a string: the place of its first byte in the file. */
    static int start(long text) {
        return (int) (text >>> 33);
    }

    /** Of a string: its bytes. */
    static int length(long text) {
        return (int) (text >>> 2) & Integer.MAX_VALUE;
    }

    /** A string. */
    static String text(ByteBuffer bytes, long text) {
        byte[] utf8 = new byte[length(text)];
        bytes.get(start(text), utf8);
        return new String(utf8, UTF_8);
    }

    private @Nullable Object object(long value) {
        return (value & 3) == OBJECT ? objects.get((int) (value >> 2)) : null;
    }

    private void run() {
        boolean marked = (in.get() & 0xff) == 0x80;
        int protocol = in.get();
        if (!marked || protocol < 2 || protocol > 5) {
            throw invalid("is no pickle of protocol 2 to 5");
        }
        while (true) {
            int opcode = in.get() & 0xff;
            if (opcode == '.') {
                result();
                return;
            }
            step(opcode);
        }
    }

    private void step(int opcode) {
        switch (opcode) {
            case 0x95 -> frame(in.getLong());
            case '(' -> stack.add(MARK);
            case 'N' -> stack.add(NONE);
            case ')' -> stack.add(EMPTY_TUPLE);
            case '}' -> stack.add(added(new Dict()));
            case 'K' -> stack.add(ofNumber(in.get() & 0xff));
            case 'M' -> stack.add(ofNumber(in.getShort() & 0xffff));
            case 'J' -> stack.add(ofNumber(in.getInt()));
            case 0x8a -> stack.add(longInteger(in.get() & 0xff));
            case 0x8c -> stack.add(text(in.get() & 0xff));
            case 'X' -> stack.add(text(in.getInt() & 0xffffffffL));
            case 0x8d -> stack.add(text(in.getLong()));
            case 0x94 -> memo.add(top());
            case 'q' -> remember(in.get() & 0xff);
            case 'r' -> remember(in.getInt());
            case 'h' -> stack.add(remembered(in.get() & 0xff));
            case 'j' -> stack.add(remembered(in.getInt()));
            case 'c' -> stack.add(global(line(), line()));
            case 0x93 -> stackGlobal();
            case 0x81 -> newInstance();
            case 'b' -> build();
            case 's' -> setItems(stack.size - 2, stack.size - 3);
            case 'u' -> setItemsSinceMark();
            default -> throw invalid("has opcode 0x%02x".formatted(opcode));
        }
    }

    private void result() {
        if (stack.size != 1) {
            throw invalid("leaves " + stack.size + " values");
        }
        Dict given = object(top()) instanceof Instance(var attributes) ? attributes : dict(top());
        given.forEach((key, value) -> {
            if (top.put(shown(key), value) != null) {
                throw invalid("has the key " + shown(key) + " twice");
            }
        });
    }

    private void frame(long length) {
        if (length < 0 || length > in.remaining()) {
            throw invalid("has a frame of " + length + " bytes");
        }
    }

    private long longInteger(int length) {
        byte[] bigEndian = new byte[length];
        int start = skip(length);
        for (int i = 0; i < length; i++) {
            bigEndian[length - 1 - i] = in.get(start + i);
        }
        try {
            long value = length == 0 ? 0 : new BigInteger(bigEndian).longValueExact();
            if (number(ofNumber(value)) == value) {
                return ofNumber(value);
            }
        } catch (ArithmeticException _) {
            // Larger still.
        }
        throw invalid("has an integer of " + length + " bytes");
    }

    private static long ofNumber(long value) {
        return value << 2 | NUMBER;
    }

    private long text(long length) {
        int start = skip(length);
        long text = (long) start << 33 | length << 2 | TEXT;
        if (!isAscii(start, (int) length)) {
            String decoded = text(in, text);
            // What is not UTF-8 becomes a mark that does not turn into the same bytes again.
            if (decoded.indexOf(REPLACED) >= 0
                    && !ByteBuffer.wrap(decoded.getBytes(UTF_8)).equals(in.slice(start, (int) length))) {
                throw invalid("has a string that is not UTF-8");
            }
        }
        return text;
    }

    private boolean isAscii(int start, int length) {
        int at = start;
        for (; at <= start + length - Long.BYTES; at += Long.BYTES) {
            if ((in.getLong(at) & NOT_ASCII) != 0) {
                return false;
            }
        }
        for (; at < start + length; at++) {
            if (in.get(at) < 0) {
                return false;
            }
        }
        return true;
    }

    /** Goes past a value and returns where it starts. */
    private int skip(long length) {
        if (length < 0 || length > in.remaining()) {
            throw invalid("has a value of " + length + " bytes");
        }
        int start = in.position();
        in.position(start + (int) length);
        return start;
    }

    private String line() {
        var line = new StringBuilder();
        for (char c = (char) in.get(); c != '\n'; c = (char) in.get()) {
            line.append(c);
        }
        return line.toString();
    }

    /** Places are given out in order, but perhaps not all of them. */
    private void remember(int place) {
        if (place < 0 || place > in.position()) {
            throw invalid("sets memo " + place);
        }
        while (memo.size <= place) {
            memo.add(MARK);
        }
        memo.values[place] = top();
    }

    private long remembered(int place) {
        if (place < 0 || place >= memo.size || memo.values[place] == MARK) {
            throw invalid("recalls memo " + place + " before it is set");
        }
        return memo.values[place];
    }

    private void stackGlobal() {
        long name = pop();
        stack.add(global(shown(pop()), shown(name)));
    }

    private long global(String module, String name) {
        if (!module.equals(MODULE) || !name.equals(CLASS)) {
            throw invalid("names another class than " + CLASS);
        }
        return PERSISTENT_DATA;
    }

    private void newInstance() {
        if (pop() != EMPTY_TUPLE || pop() != PERSISTENT_DATA) {
            throw invalid("makes an object of something else than " + CLASS);
        }
        stack.add(added(new Instance(new Dict())));
    }

    private void build() {
        Dict attributes = dict(pop());
        if (!(object(top()) instanceof Instance(var own)) || own.size() > 0) {
            throw invalid("gives attributes to something else than a new " + CLASS);
        }
        attributes.parts.forEach(own::add);
    }

    private void setItemsSinceMark() {
        int mark = stack.size - 1;
        while (mark >= 0 && stack.values[mark] != MARK) {
            mark--;
        }
        if (mark < 0 || (stack.size - mark) % 2 == 0) {
            throw invalid("sets items without a mark or in odd number");
        }
        setItems(mark + 1, mark - 1);
        stack.size--;
    }

    /** Moves key and value pairs from {@code first} up into the dict at {@code target}; leaves the stack cut at {@code first}. */
    private void setItems(int first, int target) {
        if (target < 0) {
            throw invalid("sets items of nothing");
        }
        Dict dict = dict(stack.values[target]);
        for (int i = first; i < stack.size; i += 2) {
            if ((stack.values[i] & 3) == OBJECT) {
                throw invalid("has a key that is neither a string nor an integer");
            }
        }
        dict.add(Arrays.copyOfRange(stack.values, first, stack.size));
        stack.size = first;
    }

    private Dict dict(long value) {
        if (object(value) instanceof Dict dict) {
            return dict;
        }
        throw invalid("has something else where a dict is due");
    }

    private long added(Object object) {
        objects.add(object);
        return (long) (objects.size() - 1) << 2 | OBJECT;
    }

    private long top() {
        if (stack.size == 0) {
            throw invalid("takes a value from an empty stack");
        }
        return stack.values[stack.size - 1];
    }

    private long pop() {
        long value = top();
        stack.size--;
        return value;
    }

    /** A value for whoever reads a message. What is neither string nor number may hold itself, so it is not looked into. */
    String shown(long value) {
        if (isText(value)) {
            return text(in, value);
        }
        return isNumber(value) ? String.valueOf(number(value)) : value == NONE ? "null" : "something else";
    }

    private FailureException invalid(String what) {
        return FailureException.input(
                "index-pickle-invalid", "reading " + file + " near byte " + in.position() + ": it " + what);
    }
}
