package dev.chromacompactor.chroma;

import com.fasterxml.jackson.core.io.NumberInput;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Looks over the {@code metadata} column of a WAL row as almost all of them are: one flat JSON object of texts, numbers and
 * booleans. Its answer to anything else is that it does not know, and {@link WalMetadata} has to read it.
 */
final class WalScan {
    /** Any number of this many digits is a long. */
    private static final int SAFE_DIGITS = 18;
    /** Doubles are written with 17 digits; what is longer than this is for a real parser. */
    private static final int LONGEST_NUMBER = 64;

    private static final byte[] TRUE = "true".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] FALSE = "false".getBytes(StandardCharsets.US_ASCII);

    private byte[] json = new byte[0];
    private int at;

    /** @return whether {@link WalMetadata#parse} would take it, and finds no null and no list in it */
    boolean sharpen(byte[] metadata, PlainValues values) {
        json = metadata;
        at = 0;
        return object(values);
    }

    private boolean object(PlainValues values) {
        if (!next('{')) {
            return false;
        }
        if (!next('}')) {
            do {
                if (!member(values)) {
                    return false;
                }
            } while (next(','));
            if (!next('}')) {
                return false;
            }
        }
        space();
        return at == json.length;
    }

    private boolean member(PlainValues values) {
        space();
        int from = at + 1;
        if (!text(false)) {
            return false;
        }
        int to = at - 1;
        if (!next(':')) {
            return false;
        }
        space();
        return switch (peek()) {
            case '"' -> text(true);
            case 't' -> word(TRUE);
            case 'f' -> word(FALSE);
            default -> number(values, from, to);
        };
    }

    /** Stands behind the closing quote if it is a text. */
    private boolean text(boolean escapes) {
        if (peek() != '"') {
            return false;
        }
        byte[] bytes = json;
        for (int i = at + 1; i < bytes.length; i++) {
            byte b = bytes[i];
            if (b == '"') {
                at = i + 1;
                return true;
            } else if (b == '\\') {
                if (!escapes || i + 1 == bytes.length || "\"\\/bfnrt".indexOf(bytes[i + 1]) < 0) {
                    return false;
                }
                i++;
            } else if (b >= 0 && b < ' ') {
                return false;
            }
        }
        return false;
    }

    /** One loop, over at most three runs of digits: the whole part, that behind the point, and that of the exponent. */
    private boolean number(PlainValues values, int keyFrom, int keyTo) {
        byte[] bytes = json;
        int from = at;
        int i = from < bytes.length && bytes[from] == '-' ? from + 1 : from;
        int run = i;
        boolean zero = i < bytes.length && bytes[i] == '0';
        boolean real = false;
        boolean power = false;
        for (; i < bytes.length; i++) {
            byte b = bytes[i];
            if (b >= '0' && b <= '9') {
                continue;
            }
            boolean point = b == '.' && !real;
            boolean exponent = (b == 'e' || b == 'E') && !power;
            if (!point && !exponent) {
                break;
            } else if (i == run || (!real && zero && i - run > 1)) {
                return false;
            }
            real = true;
            power = exponent;
            i += exponent && i + 1 < bytes.length && (bytes[i + 1] == '-' || bytes[i + 1] == '+') ? 1 : 0;
            run = i + 1;
        }
        at = i;
        int digits = i - run;
        if (digits == 0 || at - from > LONGEST_NUMBER || (!real && (digits > SAFE_DIGITS || (zero && digits > 1)))) {
            return false;
        }
        if (real) {
            double exact = NumberInput.parseDouble(new String(json, from, at - from, StandardCharsets.US_ASCII), true);
            values.sharpen(json, keyFrom, keyTo, exact == 0 ? 0.0 : exact);
        }
        return true;
    }

    private boolean word(byte[] word) {
        int from = at;
        at += word.length;
        return at <= json.length && Arrays.equals(json, from, at, word, 0, word.length);
    }

    private boolean next(char wanted) {
        space();
        boolean there = peek() == wanted;
        at += there ? 1 : 0;
        return there;
    }

    /** Who writes more than one in a row does not write what almost all do. */
    private void space() {
        at += peek() == ' ' ? 1 : 0;
    }

    private int peek() {
        return at < json.length ? json[at] : -1;
    }
}
