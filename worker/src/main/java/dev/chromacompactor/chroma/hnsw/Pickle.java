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

/**
 * Reads the few pickle opcodes (protocols 2 to 5) that Chroma's index metadata consists of: dicts, strings, integers, None, and one
 * instance of {@code PersistentData} whose attributes are a dict. Nothing is ever looked up or run; any other opcode is an error.
 *
 * <p>Memory is bounded by the file: an opcode pushes one value at most, and a value that repeats is shared.
 */
final class Pickle {
    private static final String MODULE = "chromadb.segment.impl.vector.local_persistent_hnsw";
    private static final String CLASS = "PersistentData";
    private static final char REPLACED = '\ufffd';

    private final Path file;
    private final ByteBuffer in;
    private final List<Object> stack = new ArrayList<>();
    private final Map<Integer, Object> memo = new HashMap<>();

    private enum Atom {
        NONE,
        MARK,
        EMPTY_TUPLE,
        PERSISTENT_DATA
    }

    /** A dict as it was written: keys, which are strings and integers, and their values. Of a large one nobody needs a third copy as a map. */
    record Dict(List<Object> keys, List<Object> values) {
        private Dict() {
            this(new ArrayList<>(), new ArrayList<>());
        }

        int size() {
            return keys.size();
        }
    }

    /** The instance under construction: created by NEWOBJ, given its attributes by BUILD. */
    private record Instance(Dict attributes) {}

    private Pickle(Path file, byte[] bytes) {
        this.file = file;
        this.in = ByteBuffer.wrap(bytes).order(LITTLE_ENDIAN);
    }

    /**
     * The dict, or the attributes of the instance. Values are {@link String}, {@link Dict} and, the smallest that holds them,
     * {@link Integer} or {@link Long}; None is left out of the top dict. Whether inner dicts have a key twice is for the caller to see.
     */
    static Map<Object, Object> read(Path file) {
        Pickle pickle = new Pickle(file, IndexFiles.bytes(file));
        try {
            return pickle.run();
        } catch (BufferUnderflowException _) {
            throw pickle.invalid("ends early");
        }
    }

    private Map<Object, Object> run() {
        boolean marked = (in.get() & 0xff) == 0x80;
        int protocol = in.get();
        if (!marked || protocol < 2 || protocol > 5) {
            throw invalid("is no pickle of protocol 2 to 5");
        }
        while (true) {
            int opcode = in.get() & 0xff;
            if (opcode == '.') {
                return result();
            }
            step(opcode);
        }
    }

    private void step(int opcode) {
        switch (opcode) {
            case 0x95 -> frame(in.getLong());
            case '(' -> push(Atom.MARK);
            case 'N' -> push(Atom.NONE);
            case ')' -> push(Atom.EMPTY_TUPLE);
            case '}' -> push(new Dict());
            case 'K' -> push(in.get() & 0xff);
            case 'M' -> push(in.getShort() & 0xffff);
            case 'J' -> push(in.getInt());
            case 0x8a -> push(longInteger(in.get() & 0xff));
            case 0x8c -> push(text(in.get() & 0xff));
            case 'X' -> push(text(in.getInt() & 0xffffffffL));
            case 0x8d -> push(text(in.getLong()));
            case 0x94 -> memo.put(memo.size(), top());
            case 'q' -> memo.put(in.get() & 0xff, top());
            case 'r' -> memo.put(in.getInt(), top());
            case 'h' -> push(remembered(in.get() & 0xff));
            case 'j' -> push(remembered(in.getInt()));
            case 'c' -> push(global(line(), line()));
            case 0x93 -> stackGlobal();
            case 0x81 -> newInstance();
            case 'b' -> build();
            case 's' -> setItems(stack.size() - 2, stack.size() - 3);
            case 'u' -> setItemsSinceMark();
            default -> throw invalid("has opcode 0x%02x".formatted(opcode));
        }
    }

    private Map<Object, Object> result() {
        if (stack.size() != 1) {
            throw invalid("leaves " + stack.size() + " values");
        }
        Dict given = stack.getFirst() instanceof Instance(var attributes) ? attributes : dict(stack.getFirst());
        Map<Object, Object> top = new HashMap<>();
        for (int i = 0; i < given.size(); i++) {
            if (top.put(given.keys().get(i), given.values().get(i)) != null) {
                throw invalid("has the key " + given.keys().get(i) + " twice");
            }
        }
        top.values().removeIf(Atom.NONE::equals);
        return top;
    }

    private void frame(long length) {
        if (length < 0 || length > in.remaining()) {
            throw invalid("has a frame of " + length + " bytes");
        }
    }

    private Number longInteger(int length) {
        int start = skip(length);
        byte[] bigEndian = Arrays.copyOfRange(in.array(), start, in.position());
        for (int i = 0, j = length - 1; i < j; i++, j--) {
            byte b = bigEndian[i];
            bigEndian[i] = bigEndian[j];
            bigEndian[j] = b;
        }
        try {
            long value = length == 0 ? 0 : new BigInteger(bigEndian).longValueExact();
            if (value == (int) value) {
                return (int) value;
            }
            return value;
        } catch (ArithmeticException _) {
            throw invalid("has an integer of " + length + " bytes");
        }
    }

    private String text(long length) {
        int start = skip(length);
        String text = new String(in.array(), start, (int) length, UTF_8);
        // What is not UTF-8 becomes a mark that does not turn into the same bytes again.
        if (text.indexOf(REPLACED) >= 0
                && !Arrays.equals(text.getBytes(UTF_8), Arrays.copyOfRange(in.array(), start, in.position()))) {
            throw invalid("has a string that is not UTF-8");
        }
        return text;
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

    private Object remembered(int index) {
        Object value = memo.get(index);
        if (value == null) {
            throw invalid("recalls memo " + index + " before it is set");
        }
        return value;
    }

    private void stackGlobal() {
        Object name = pop();
        push(global(pop(), name));
    }

    private Atom global(Object module, Object name) {
        if (!module.equals(MODULE) || !name.equals(CLASS)) {
            throw invalid("names another class than " + CLASS);
        }
        return Atom.PERSISTENT_DATA;
    }

    private void newInstance() {
        if (pop() != Atom.EMPTY_TUPLE || pop() != Atom.PERSISTENT_DATA) {
            throw invalid("makes an object of something else than " + CLASS);
        }
        push(new Instance(new Dict()));
    }

    private void build() {
        Dict attributes = dict(pop());
        if (!(top() instanceof Instance(var own)) || own.size() > 0) {
            throw invalid("gives attributes to something else than a new " + CLASS);
        }
        own.keys().addAll(attributes.keys());
        own.values().addAll(attributes.values());
    }

    private void setItemsSinceMark() {
        int mark = stack.lastIndexOf(Atom.MARK);
        if (mark < 0 || (stack.size() - mark) % 2 == 0) {
            throw invalid("sets items without a mark or in odd number");
        }
        setItems(mark + 1, mark - 1);
        stack.removeLast();
    }

    /** Moves key and value pairs from {@code first} up into the dict at {@code target}; leaves the stack cut at {@code first}. */
    private void setItems(int first, int target) {
        if (target < 0) {
            throw invalid("sets items of nothing");
        }
        Dict dict = dict(stack.get(target));
        for (int i = first; i < stack.size(); i += 2) {
            Object key = stack.get(i);
            if (!(key instanceof String || key instanceof Number)) {
                throw invalid("has a key that is neither a string nor an integer");
            }
            dict.keys().add(key);
            dict.values().add(stack.get(i + 1));
        }
        stack.subList(first, stack.size()).clear();
    }

    private Dict dict(Object value) {
        if (value instanceof Dict dict) {
            return dict;
        }
        throw invalid("has something else where a dict is due");
    }

    private void push(Object value) {
        stack.add(value);
    }

    private Object top() {
        if (stack.isEmpty()) {
            throw invalid("takes a value from an empty stack");
        }
        return stack.getLast();
    }

    private Object pop() {
        Object value = top();
        stack.removeLast();
        return value;
    }

    private FailureException invalid(String what) {
        return FailureException.input(
                "index-pickle-invalid", "reading " + file + " near byte " + in.position() + ": it " + what);
    }
}
