package dev.chromacompactor.chroma;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Joins those records of an intermediate's collection whose rows need only be copied: new to the workspace, or newer than what they
 * replace there, see {@link Known}; written by one delta as a whole, as far as the intermediate knows, and not by one that is refused; without
 * lists. These are nearly all. Their vectors go from its WAL to the scratch as they are.
 */
final class PlainIntermediate {
    /** Ids of which more is known than a record and its stamp. */
    private static final String REGISTERS = "SELECT id FROM source.compactor_register WHERE collection = ?";

    private static final String WITH_LISTS = """
            SELECT embedding_id FROM source.embeddings
            WHERE segment_id = ? AND id IN (SELECT id FROM source.embedding_metadata_array)""";

    private PlainIntermediate() {}

    /**
     * Joins a collection of {@code source}, whose file is attached to the target's.
     *
     * @param refused stamps of records that are not copied
     * @param replaced is told of each that takes the place of a stored one
     * @param each joins one id
     * @return what was put in without {@code each}
     */
    static Delta.Copied into(
            Workspace target,
            Intermediate source,
            CollectionInfo info,
            CollectionInfo collection,
            Predicate<Stamp> refused,
            Delta.Replaced replaced,
            Consumer<String> each) {
        Set<String> rest = exceptions(target, source, info);
        var known = new Known(target, info.metadataSegment(), collection);
        Map<Long, Stamp> stamps = new HashMap<>(source.stampsByRef());
        stamps.values().removeIf(refused);
        int vectorBytes = collection.dimension() == null ? -1 : Float.BYTES * collection.dimension();
        byte[] name = collection.name().getBytes(StandardCharsets.UTF_8);
        var added = new ArrayList<String>();
        var instead = new ArrayList<String>();
        var digest = new RecordDigest();
        var rows = new CopiedRows(target);
        source.reader().rows(info, (row, values) -> {
            if (rest.contains(row.id())) {
                return;
            }
            byte[] vector = source.vector(row.number(), row.position());
            Stamp stamp = stamps.get(row.ref());
            long mine = stamp == null ? Known.JOINED : known.row(row.number(), stamp);
            if (mine == Known.JOINED || !values.known() || vector.length != vectorBytes) {
                rest.add(row.id());
                return;
            }
            if (mine == Known.NEW) {
                mine = rows.add(row.number());
                added.add(row.id());
            } else {
                replaced.before(row.id(), mine);
                rows.replace(row.number(), mine);
                instead.add(row.id());
            }
            target.scratch().assign(mine, target.scratch().append(vector));
            ByteBuffer hash = values.hash(digest, name, row.id().getBytes(StandardCharsets.UTF_8), vector);
            digest.plus(hash.getLong(), hash.getLong());
        });
        rows.copy(collection, stamps);
        rest.forEach(each);
        return new Delta.Copied(added, instead, digest);
    }

    private static Set<String> exceptions(Workspace target, Intermediate source, CollectionInfo info) {
        Set<String> rest = new TreeSet<>();
        FoldDatabase.Each add = row -> rest.add(row.getString(1));
        target.database().each(REGISTERS, add, info.name());
        if (source.level().listsAllowed()) {
            target.database().each(WITH_LISTS, add, info.metadataSegment());
        }
        return rest;
    }
}
