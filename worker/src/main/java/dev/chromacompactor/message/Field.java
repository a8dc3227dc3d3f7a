package dev.chromacompactor.message;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chromacompactor.failure.FailureException;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One place in a JSON document together with its path, as a person would write it: {@code delta_results[3].delta_key}.
 * Every refusal names it. JSON's null and an absent field are the same.
 */
record Field(JsonNode json, String path) {
    /** How many items a list may have: the place in a list is 20 bits of a stamp's position. */
    static final int MAX_ITEMS = 1 << 20;

    static Field root(JsonNode json) {
        return new Field(json, "");
    }

    /** @return null if there is no such field, or null in it */
    @Nullable
    Field find(String name) {
        var child = json.get(name);
        return child == null || child.isNull() ? null : new Field(child, pathOf(name));
    }

    Field need(String name) {
        var found = find(name);
        if (found == null) {
            throw missing(name);
        }
        return found;
    }

    @Nullable
    String findText(String name) {
        var found = find(name);
        return found == null ? null : found.text();
    }

    @Nullable
    Integer findIndex(String name) {
        var found = find(name);
        return found == null ? null : found.index();
    }

    String text() {
        if (!json.isTextual()) {
            throw wrongType("a string");
        }
        return json.textValue();
    }

    /** A whole number, also when it is written as 3.0 (JSON has one type of number). */
    long whole() {
        if (!json.isNumber() || !json.canConvertToExactIntegral() || !json.canConvertToLong()) {
            throw wrongType("a whole number");
        }
        return json.longValue();
    }

    /** A whole number from 0 to 2³¹ − 1. */
    int index() {
        long value = whole();
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw invalid("must be from 0 to 2147483647");
        }
        return (int) value;
    }

    /** The items of a list; a null item stays a place with a null in it. */
    List<Field> items() {
        if (!json.isArray()) {
            throw wrongType("a list");
        }
        if (json.size() > MAX_ITEMS) {
            throw invalid("has " + json.size() + " items, more than " + MAX_ITEMS);
        }
        return IntStream.range(0, json.size())
                .mapToObj(i -> new Field(json.get(i), path + "[" + i + "]"))
                .toList();
    }

    Field object() {
        if (!json.isObject()) {
            throw json.isNull() ? absent() : wrongType("an object");
        }
        return this;
    }

    FailureException missing(String name) {
        return FailureException.input("missing-field", pathOf(name) + " is missing");
    }

    FailureException absent() {
        return FailureException.input("missing-field", path + " is null");
    }

    FailureException wrongType(String wanted) {
        return FailureException.input("wrong-type", path + " must be " + wanted + ", not " + shown());
    }

    FailureException invalid(String why) {
        return FailureException.input("invalid-value", path + " " + why + ", not " + shown());
    }

    /** The value, short enough for a log line and without control characters. */
    String shown() {
        var text = json.isContainerNode() ? (json.isArray() ? "a list" : "an object") : json.toString();
        return text.length() <= 120 ? text : text.substring(0, 120) + "…";
    }

    private String pathOf(String name) {
        return path.isEmpty() || path.endsWith(" ") ? path + name : path + "." + name;
    }
}
