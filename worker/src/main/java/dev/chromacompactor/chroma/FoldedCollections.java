package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.failure.FailureException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The collections of a fold by name, each defined by its base or else by the input with the smallest stamp that has it. */
final class FoldedCollections {
    private final FoldDatabase database;
    private final SchemaLevel level;
    private final TreeMap<String, CollectionInfo> infos = new TreeMap<>();
    private final Map<String, Stamp> definedBy = new HashMap<>();

    FoldedCollections(FoldDatabase database, SchemaLevel level) {
        this.database = database;
        this.level = level;
    }

    /** Takes over what the database holds already. */
    void keep(CollectionInfo info, Stamp by) {
        infos.put(info.name(), info);
        definedBy.put(info.name(), by);
    }

    Collection<CollectionInfo> all() {
        return List.copyOf(infos.values());
    }

    CollectionInfo get(String name) {
        return requireNonNull(infos.get(name), name);
    }

    Stamp definedBy(String name) {
        return requireNonNull(definedBy.get(name), name);
    }

    /**
     * The collection that records of {@code definition} go to; made, or defined anew, if need be.
     *
     * @param own level of the database that the definition is from
     */
    CollectionInfo admit(CollectionDefinition definition, SchemaLevel own, Stamp by) {
        var incoming = definition.info();
        var known = infos.get(incoming.name());
        if (known == null) {
            define(definition.at(level, own), by);
        } else {
            require(
                    known.space() == incoming.space(),
                    "space-mismatch",
                    incoming.name(),
                    known.space(),
                    incoming.space());
            if (known.dimension() == null && incoming.dimension() != null) {
                dimension(known, incoming.dimension());
            } else if (known.dimension() != null && incoming.dimension() != null) {
                require(
                        known.dimension().equals(incoming.dimension()),
                        "dimension-mismatch",
                        incoming.name(),
                        known.dimension(),
                        incoming.dimension());
            }
            if (by.compareTo(definedBy(incoming.name())) < 0) {
                redefine(known.name(), definition.at(level, own), by);
            }
        }
        return get(incoming.name());
    }

    private static void require(boolean condition, String reason, String name, Object known, Object incoming) {
        if (!condition) {
            throw FailureException.input(
                    reason,
                    "merge into collection %s: it has %s %s, the input has %s"
                            .formatted(name, reason.substring(0, reason.indexOf('-')), known, incoming));
        }
    }

    private void dimension(CollectionInfo known, int dimension) {
        database.update("UPDATE collections SET dimension = ? WHERE id = ?", dimension, known.id());
        infos.put(
                known.name(),
                new CollectionInfo(
                        known.id(),
                        known.name(),
                        dimension,
                        known.space(),
                        known.m(),
                        known.efConstruction(),
                        known.vectorSegment(),
                        known.metadataSegment()));
    }

    private void redefine(String name, CollectionDefinition definition, Stamp by) {
        var old = get(name);
        CollectionDefinition.delete(database, old);
        infos.remove(name);
        define(definition, by);
        var now = get(name);
        if (now.dimension() == null && old.dimension() != null) {
            dimension(now, old.dimension());
        }
        database.update(
                "UPDATE embeddings SET segment_id = ? WHERE segment_id = ?",
                now.metadataSegment(),
                old.metadataSegment());
    }

    /** Of two names with one UUID, the one that was there first in stamp order keeps it. */
    private void define(CollectionDefinition definition, Stamp by) {
        var rivals = infos.values().stream()
                .filter(other ->
                        ids(other).anyMatch(id -> ids(definition.info()).anyMatch(id::equals)))
                .map(CollectionInfo::name)
                .toList();
        for (String rival : rivals) {
            if (by.compareTo(definedBy(rival)) < 0) {
                var moved = CollectionDefinition.read(database, get(rival)).withDerivedIds();
                redefine(rival, moved, definedBy(rival));
            } else {
                define(definition.withDerivedIds(), by);
                return;
            }
        }
        definition.insert(database);
        keep(definition.info(), by);
    }

    private static Stream<String> ids(CollectionInfo info) {
        return Stream.of(info.id(), info.vectorSegment(), info.metadataSegment());
    }
}
