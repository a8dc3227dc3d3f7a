package dev.chromacompactor.chroma;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.chromacompactor.failure.FailureException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what a database says about itself: its schema level and its collections with their configuration. */
final class Catalogue {
    private static final String HNSW = "urn:chroma:segment/vector/hnsw-local-persisted";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Newest migrations we know how to read, as of chromadb 1.5.9. */
    private static final SchemaLevel NEWEST = new SchemaLevel(10, 6, 2);
    /** As of chromadb 0.5.0: from here on collections have no topic of their own. */
    private static final SchemaLevel OLDEST = new SchemaLevel(5, 3, 1);

    private static final List<String> TABLES = List.of(
            "migrations",
            "tenants",
            "databases",
            "collections",
            "collection_metadata",
            "segments",
            "segment_metadata",
            "embeddings",
            "embedding_metadata",
            "embedding_fulltext_search",
            "max_seq_id",
            "embeddings_queue");

    private final SqliteFile file;

    Catalogue(SqliteFile file) {
        this.file = file;
    }

    /** Refuses levels outside what we know, and files whose tables are not what their level says. */
    SchemaLevel level() {
        Set<String> tables = new HashSet<>();
        file.query(
                "list tables",
                "SELECT name FROM sqlite_master WHERE type = 'table'",
                List.of(),
                row -> tables.add(row.getString(1)));
        require(tables, "migrations");
        Map<String, Integer> newest = new HashMap<>();
        file.query(
                "read migrations",
                "SELECT dir, max(version) FROM migrations GROUP BY dir",
                List.of(),
                row -> newest.put(row.getString(1), row.getInt(2)));
        var level = new SchemaLevel(
                within(newest, "sysdb", OLDEST.sysdb(), NEWEST.sysdb()),
                within(newest, "metadb", OLDEST.metadb(), NEWEST.metadb()),
                within(newest, "embeddings_queue", OLDEST.queue(), NEWEST.queue()));
        TABLES.forEach(table -> require(tables, table));
        if (level.listsAllowed()) {
            require(tables, "embedding_metadata_array");
        }
        return level;
    }

    private void require(Set<String> tables, String table) {
        if (!tables.contains(table)) {
            throw FailureException.input("schema-unknown", "read " + file.path() + ": there is no table " + table);
        }
    }

    private int within(Map<String, Integer> newest, String dir, int oldestKnown, int newestKnown) {
        Integer version = newest.get(dir);
        String what = "read " + file.path() + ": " + dir + " migration " + version;
        if (version == null) {
            throw FailureException.input("schema-unknown", "read " + file.path() + ": no migration of " + dir);
        } else if (version > newestKnown) {
            throw FailureException.input("schema-too-new", what + " is newer than " + newestKnown + ", the last known");
        } else if (version < oldestKnown) {
            throw FailureException.input(
                    "schema-too-old", what + " is older than " + oldestKnown + ", the first known");
        }
        return version;
    }

    /** All collections of all tenants and databases, by name; one name must not stand for two. */
    List<CollectionInfo> collections(SchemaLevel level) {
        Map<String, String> schemas = schemas();
        // config_json_str came with sysdb 7.
        String sql = "SELECT id, name, dimension, " + (level.sysdb() >= 7 ? "config_json_str" : "NULL")
                + " FROM collections ORDER BY name, id";
        List<CollectionInfo> collections = new ArrayList<>();
        file.query("read collections", sql, List.of(), row -> {
            String id = row.getString(1);
            String name = row.getString(2);
            int dimension = row.getInt(3);
            boolean unknownDimension = row.wasNull();
            var configuration = configuration(id, name, row.getString(4), schemas.get(id));
            collections.add(new CollectionInfo(
                    id,
                    name,
                    unknownDimension ? null : dimension,
                    configuration.distance(),
                    configuration.number("hnsw:M", 16, "max_neighbors", "M"),
                    configuration.number("hnsw:construction_ef", 100, "ef_construction"),
                    segment(id, name, "VECTOR"),
                    segment(id, name, "METADATA")));
        });
        for (int i = 1; i < collections.size(); i++) {
            String name = collections.get(i).name();
            if (name.equals(collections.get(i - 1).name())) {
                throw FailureException.input(
                        "collection-ambiguous",
                        "read " + file.path() + ": there is more than one collection named " + name);
            }
        }
        return List.copyOf(collections);
    }

    /** {@code schema_str} by collection; the column is there since 1.2 or so, with no migration of its own number. */
    private Map<String, String> schemas() {
        Map<String, String> schemas = new HashMap<>();
        if (file.number(
                        "list columns",
                        "SELECT count(*) FROM pragma_table_info('collections') WHERE name = 'schema_str'")
                > 0) {
            file.query(
                    "read schemas",
                    "SELECT id, schema_str FROM collections WHERE schema_str IS NOT NULL",
                    List.of(),
                    row -> schemas.put(row.getString(1), row.getString(2)));
        }
        return schemas;
    }

    private String segment(String collection, String name, String scope) {
        List<String> ids = new ArrayList<>();
        file.query(
                "read segments",
                "SELECT id, type FROM segments WHERE collection = ? AND scope = ?",
                List.of(collection, scope),
                row -> {
                    ids.add(row.getString(1));
                    if (scope.equals("VECTOR") && !row.getString(2).equals(HNSW)) {
                        throw FailureException.input(
                                "segment-unknown",
                                "read collection " + name + ": its vector segment is a " + row.getString(2));
                    }
                });
        if (ids.size() != 1) {
            throw FailureException.input(
                    "foreign-key-violation",
                    "read " + file.path() + ": collection " + name + " has " + ids.size() + " " + scope
                            + " segments instead of one");
        }
        return ids.getFirst();
    }

    /** The {@code hnsw:…} keys that older versions keep among the user's own metadata. */
    private Map<String, Object> legacy(String collection) {
        Map<String, Object> values = new HashMap<>();
        file.query(
                "read collection metadata",
                "SELECT key, coalesce(str_value, int_value) FROM collection_metadata"
                        + " WHERE collection_id = ? AND key LIKE 'hnsw:%'",
                List.of(collection),
                row -> {
                    Object value = row.getObject(2);
                    if (value != null) {
                        values.put(row.getString(1), value);
                    }
                });
        return values;
    }

    /** The first of these that says anything: configuration of 1.0, of 1.x by hand, of 0.5 and 0.6, schema. */
    private Configuration configuration(
            String id, String name, @Nullable String configuration, @Nullable String schema) {
        JsonNode config = parse(name, "config_json_str", configuration);
        JsonNode index = parse(name, "schema_str", schema).at("/keys/#embedding/float_list/vector_index/config");
        for (JsonNode hnsw :
                List.of(config.at("/vector_index/hnsw"), config.path("hnsw"), config.path("hnsw_configuration"))) {
            if (hnsw.isObject()) {
                return new Configuration(name, legacy(id), hnsw, hnsw.path("space"));
            }
        }
        // In a schema the space lies beside the parameters of the graph.
        return new Configuration(name, legacy(id), index.path("hnsw"), index.path("space"));
    }

    private JsonNode parse(String collection, String column, @Nullable String json) {
        try {
            return json == null ? MissingNode.getInstance() : JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw FailureException.input(
                    "configuration-invalid",
                    "read " + column + " of collection " + collection + " in " + file.path() + ": "
                            + e.getOriginalMessage());
        }
    }

    /** Legacy metadata wins: a cosine database of 0.6 says l2 in its configuration, and every version computes cosine. */
    private record Configuration(String collection, Map<String, Object> legacy, JsonNode hnsw, JsonNode space) {
        Space distance() {
            Object value = legacy.get("hnsw:space");
            String label = value != null ? value.toString() : space.isTextual() ? space.asText() : Space.L2.label();
            return Arrays.stream(Space.values())
                    .filter(space -> space.label().equals(label))
                    .findFirst()
                    .orElseThrow(() -> FailureException.input(
                            "space-unknown", "read collection " + collection + ": its space is " + label));
        }

        int number(String legacyKey, int otherwise, String... keys) {
            if (legacy.get(legacyKey) instanceof Number number) {
                return number.intValue();
            }
            for (String key : keys) {
                if (hnsw.path(key).isInt()) {
                    return hnsw.path(key).intValue();
                }
            }
            return otherwise;
        }
    }
}
