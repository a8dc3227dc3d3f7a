package dev.chromacompactor.chroma;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.chromacompactor.failure.FailureException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A collection without its records: its rows in {@code collections}, {@code collection_metadata}, {@code segments} and
 * {@code segment_metadata}, as their writer left them.
 *
 * @param config {@code config_json_str}
 * @param schema {@code schema_str}; the only place of the configuration in the newest versions, unknown to older ones
 */
record CollectionDefinition(
        CollectionInfo info,
        @Nullable String config,
        @Nullable String schema,
        String vectorType,
        String metadataType,
        List<Setting> metadata,
        List<Setting> vectorMetadata) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String INSERT = """
            INSERT INTO collections (id, name, dimension, database_id)
            SELECT ?, ?, ?, id FROM databases WHERE name = 'default_database' AND tenant_id = 'default_tenant'""";

    /** A row of {@code collection_metadata} or {@code segment_metadata}; one of the values is set. */
    record Setting(
            String key,
            @Nullable String text,
            @Nullable Long whole,
            @Nullable Double real,
            @Nullable Long flag) {}

    static CollectionDefinition read(FoldDatabase database, CollectionInfo info) {
        return new CollectionDefinition(
                info,
                column(database, "config_json_str", info.id()),
                column(database, "schema_str", info.id()),
                segmentType(database, info.vectorSegment()),
                segmentType(database, info.metadataSegment()),
                settings(database, "collection_metadata", "collection_id", info.id()),
                settings(database, "segment_metadata", "segment_id", info.vectorSegment()));
    }

    private static @Nullable String column(FoldDatabase database, String column, String id) {
        return hasColumn(database, column)
                ? database.first(
                                "SELECT coalesce(" + column + ", '') FROM collections WHERE id = ?",
                                row -> row.getString(1),
                                id)
                        .filter(value -> !value.isEmpty())
                        .orElse(null)
                : null;
    }

    private static boolean hasColumn(FoldDatabase database, String column) {
        return database.number("SELECT count(*) FROM pragma_table_info('collections') WHERE name = ?", column) > 0;
    }

    private static String segmentType(FoldDatabase database, String segment) {
        return database.first("SELECT type FROM segments WHERE id = ?", row -> row.getString(1), segment)
                .orElseThrow();
    }

    private static List<Setting> settings(FoldDatabase database, String table, String owner, String id) {
        return database.list(
                "SELECT key, str_value, int_value, float_value, bool_value FROM " + table + " WHERE " + owner
                        + " = ? ORDER BY key",
                row -> {
                    Long whole = row.getObject(3) instanceof Number n ? n.longValue() : null;
                    Double real = row.getObject(4) instanceof Number n ? n.doubleValue() : null;
                    Long flag = row.getObject(5) instanceof Number n ? n.longValue() : null;
                    return new Setting(row.getString(1), row.getString(2), whole, real, flag);
                },
                id);
    }

    CollectionDefinition named(String name) {
        return with(new CollectionInfo(
                info.id(),
                name,
                info.dimension(),
                info.space(),
                info.m(),
                info.efConstruction(),
                info.vectorSegment(),
                info.metadataSegment()));
    }

    /**
     * With UUIDs of its own: copies of one database whose collections were renamed share them. The new ones depend on
     * the old and the name alone, so every order of inputs gives the same.
     */
    CollectionDefinition withDerivedIds() {
        return with(new CollectionInfo(
                derived(info.id()),
                info.name(),
                info.dimension(),
                info.space(),
                info.m(),
                info.efConstruction(),
                derived(info.vectorSegment()),
                derived(info.metadataSegment())));
    }

    private String derived(String id) {
        return UUID.nameUUIDFromBytes((id + '/' + info.name()).getBytes(StandardCharsets.UTF_8))
                .toString();
    }

    private CollectionDefinition with(CollectionInfo other) {
        return new CollectionDefinition(other, config, schema, vectorType, metadataType, metadata, vectorMetadata);
    }

    /**
     * As a database of another level holds it. Upwards nothing changes: Chroma's own migrations leave these columns as they
     * are. Downwards, where {@code schema_str} is unknown, the configuration is told in the words that every version
     * since 0.5 obeys: {@code hnsw:*} metadata of the collection, copied to its vector segment.
     */
    CollectionDefinition at(SchemaLevel target, SchemaLevel own) {
        boolean legacyReader = target.metadb() < 5 && own.metadb() >= 5;
        boolean legacyConfig = schema == null && config != null && config.contains("\"hnsw_configuration\"");
        if (legacyConfig || (!legacyReader && (target.sysdb() >= 10 || own.sysdb() < 10))) {
            return this;
        }
        var hnsw = hnsw();
        var settings = new ArrayList<>(metadata);
        add(settings, new Setting("hnsw:space", info.space().label(), null, null, null));
        add(settings, new Setting("hnsw:M", null, (long) info.m(), null, null));
        add(settings, new Setting("hnsw:construction_ef", null, (long) info.efConstruction(), null, null));
        addNumber(settings, "hnsw:search_ef", hnsw.path("ef_search"));
        addNumber(settings, "hnsw:batch_size", hnsw.path("batch_size"));
        addNumber(settings, "hnsw:sync_threshold", hnsw.path("sync_threshold"));
        var copied = settings.stream()
                .filter(setting -> setting.key().startsWith("hnsw:"))
                .toList();
        return new CollectionDefinition(
                info, legacyConfig(hnsw), null, vectorType, metadataType, List.copyOf(settings), copied);
    }

    private static void addNumber(List<Setting> settings, String key, JsonNode value) {
        if (value.isIntegralNumber()) {
            add(settings, new Setting(key, null, value.longValue(), null, null));
        }
    }

    private static void add(List<Setting> settings, Setting setting) {
        if (settings.stream().noneMatch(known -> known.key().equals(setting.key()))) {
            settings.add(setting);
        }
    }

    /** Parameters of the graph in the forms of 1.x, empty if it says nothing. */
    private JsonNode hnsw() {
        try {
            var inConfig = config == null ? JsonNodeFactory.instance.objectNode() : JSON.readTree(config);
            var inSchema = schema == null ? JsonNodeFactory.instance.objectNode() : JSON.readTree(schema);
            return List.of(inConfig.at("/vector_index/hnsw"), inConfig.path("hnsw")).stream()
                    .filter(JsonNode::isObject)
                    .findFirst()
                    .orElseGet(() -> inSchema.at("/keys/#embedding/float_list/vector_index/config/hnsw"));
        } catch (JsonProcessingException e) {
            throw FailureException.input(
                    "configuration-invalid",
                    "read the configuration of collection " + info.name() + ": " + e.getOriginalMessage());
        }
    }

    /** {@code config_json_str} as 0.5 and 0.6 write it; 1.x reads it too, in databases that it migrated. */
    private String legacyConfig(JsonNode hnsw) {
        var parameters = JSON.createObjectNode()
                .put("space", info.space().label())
                .put("ef_construction", info.efConstruction())
                .put("ef_search", hnsw.path("ef_search").asInt(100))
                .put("num_threads", hnsw.path("num_threads").asInt(2))
                .put("M", info.m())
                .put("resize_factor", hnsw.path("resize_factor").asDouble(1.2))
                .put("batch_size", hnsw.path("batch_size").asInt(100))
                .put("sync_threshold", hnsw.path("sync_threshold").asInt(1000))
                .put("_type", "HNSWConfigurationInternal");
        var root = JSON.createObjectNode();
        root.set("hnsw_configuration", parameters);
        root.put("_type", "CollectionConfigurationInternal");
        return root.toString();
    }

    /** Adds its rows, below the default database. */
    void insert(FoldDatabase database) {
        database.update(INSERT, info.id(), info.name(), info.dimension());
        for (String column : List.of("config_json_str", "schema_str")) {
            if (hasColumn(database, column)) {
                database.update(
                        "UPDATE collections SET " + column + " = ? WHERE id = ?",
                        column.startsWith("config") ? config : schema,
                        info.id());
            }
        }
        segment(database, info.vectorSegment(), vectorType, "VECTOR");
        segment(database, info.metadataSegment(), metadataType, "METADATA");
        insert(database, "collection_metadata", info.id(), metadata);
        insert(database, "segment_metadata", info.vectorSegment(), vectorMetadata);
    }

    private void segment(FoldDatabase database, String id, String type, String scope) {
        database.update(
                "INSERT INTO segments (id, type, scope, collection) VALUES (?, ?, ?, ?)", id, type, scope, info.id());
    }

    private static void insert(FoldDatabase database, String table, String owner, List<Setting> settings) {
        for (Setting s : settings) {
            database.update(
                    "INSERT INTO " + table + " VALUES (?, ?, ?, ?, ?, ?)",
                    owner,
                    s.key(),
                    s.text(),
                    s.whole(),
                    s.real(),
                    s.flag());
        }
    }

    /** Takes the rows of a collection away; its records stay. */
    static void delete(FoldDatabase database, CollectionInfo info) {
        database.update("DELETE FROM collection_metadata WHERE collection_id = ?", info.id());
        database.update(
                "DELETE FROM segment_metadata WHERE segment_id IN (?, ?)",
                info.vectorSegment(),
                info.metadataSegment());
        database.update("DELETE FROM segments WHERE id IN (?, ?)", info.vectorSegment(), info.metadataSegment());
        database.update("DELETE FROM collections WHERE id = ?", info.id());
    }
}
