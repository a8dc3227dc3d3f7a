package dev.chromacompactor.chroma;

import java.util.List;

/** A metadata value of a record, in exactly the type Chroma stores it in. */
public sealed interface MetadataValue {
    record Text(String value) implements MetadataValue {}

    record Whole(long value) implements MetadataValue {}

    /** Doubles are compared by their bits: −0.0, infinities and NaN are values like any other. */
    record Real(double value) implements MetadataValue {}

    record Flag(boolean value) implements MetadataValue {}

    /** A list of one type, never empty (schema level metadb 6 and later). */
    record Many(List<MetadataValue> values) implements MetadataValue {
        public Many {
            values = List.copyOf(values);
        }
    }
}
