package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WalScanTest {
    private static boolean taken(String json) {
        var values = new PlainValues();
        values.clear();
        return new WalScan().sharpen(json.getBytes(StandardCharsets.UTF_8), values);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "-0",
                "12",
                "-12",
                "0.25",
                "-1.5",
                "10.0",
                "1e5",
                "1E-7",
                "2.5e+10",
                "0e0",
                "0.0e-1",
                "123456789012345678"
            })
    void numbers_of_json_are_taken(String number) {
        assertThat(taken("{\"a\":" + number + "}")).isTrue();
        assertThat(taken("{\"a\": " + number + ", \"b\": true}")).isTrue();
        assertThat(WalMetadata.parse("{\"a\":" + number + "}", "row 1")).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-",
                "+1",
                "01",
                "-01",
                "00",
                "01.5",
                "00e1",
                "1.",
                ".5",
                "-.5",
                "1.e5",
                "1e",
                "1e+",
                "1.5.2",
                "1e5.3",
                "1e5e2",
                "1-2",
                "1e5-",
                "e5",
                "1 2",
                "NaN",
                "Infinity",
                "1234567890123456789",
                "null",
                "[1]",
                "{}"
            })
    void anything_else_is_left_to_a_real_parser(String value) {
        assertThat(taken("{\"a\":" + value + "}")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{ }", "{\"a\":\"b\"}", "{\"a\": \"\\\"\", \"b\": false}", "{\"a\":\"ü\",\"b\":1} "})
    void flat_objects_are_taken(String json) {
        assertThat(taken(json)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "{\"a\":1",
                "{\"a\" 1}",
                "{\"a\":1}}",
                "{\"a\":1,}",
                "{\"a\":\"b}",
                "{\"a\":\"\\u00fc\"}"
            })
    void what_is_torn_or_uncommon_is_not(String json) {
        assertThat(taken(json)).isFalse();
    }
}
