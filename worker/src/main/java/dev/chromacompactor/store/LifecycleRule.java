package dev.chromacompactor.store;

import org.jspecify.annotations.Nullable;

/**
 * A rule by which S3 itself takes objects away, or into an archive from which they cannot be read at once.
 *
 * @param prefix of the keys it is about; empty: all
 * @param days after an object was written; 0 for a rule with a date
 * @param tagged only objects with certain tags, which this program never sets
 */
public record LifecycleRule(@Nullable String id, String prefix, int days, boolean tagged) {}
