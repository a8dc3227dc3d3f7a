package dev.chromacompactor.chroma;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A Chroma database without its collections and records: how a new one begins. Chroma checks the hashes of its
 * migrations, so a new database is not written from knowledge of ours but copied from one that Chroma made: its schema
 * word for word, its migrations, default tenant and database, and the settings of its WAL.
 *
 * @param schema the statements that make its tables and indexes, in order
 * @param rows of the tables that are not about records, by table
 */
record Seed(List<String> schema, Map<String, List<List<@Nullable Object>>> rows) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, String> KEPT = new LinkedHashMap<>();

    static {
        KEPT.put("migrations", "SELECT * FROM migrations");
        KEPT.put("tenants", "SELECT * FROM tenants WHERE id = 'default_tenant'");
        KEPT.put(
                "databases",
                "SELECT * FROM databases WHERE name = 'default_database' AND tenant_id = 'default_tenant'");
        KEPT.put("embeddings_queue_config", "SELECT * FROM embeddings_queue_config");
        KEPT.put("acquire_write", "SELECT * FROM acquire_write");
    }

    /** Reads it off any Chroma database. */
    static Seed of(FoldDatabase database) {
        // Shadow tables of the full text index come with it; our own tables are added apart.
        var schema = database.list("""
                SELECT sql FROM sqlite_master WHERE sql IS NOT NULL
                  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND tbl_name NOT LIKE 'compactor\\_%' ESCAPE '\\'
                  AND name NOT LIKE 'embedding\\_fulltext\\_search\\_%' ESCAPE '\\'
                ORDER BY type = 'index', rowid""", row -> row.getString(1));
        var rows = new LinkedHashMap<String, List<List<@Nullable Object>>>();
        KEPT.forEach((table, query) -> {
            if (database.hasTable(table)) {
                rows.put(table, database.list(query, row -> {
                    var values = new ArrayList<@Nullable Object>();
                    for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                        values.add(row.getObject(i));
                    }
                    return values;
                }));
            }
        });
        return new Seed(schema, rows);
    }

    SchemaLevel level() {
        return new SchemaLevel(newest("sysdb"), newest("metadb"), newest("embeddings_queue"));
    }

    /** Columns of {@code migrations}: directory, version, and what was run. */
    private int newest(String directory) {
        return rows.getOrDefault("migrations", List.of()).stream()
                .filter(row -> directory.equals(row.get(0)))
                .mapToInt(row -> row.get(1) instanceof Number version ? version.intValue() : 0)
                .max()
                .orElse(0);
    }

    /** Makes an empty Chroma database, with our tables. */
    void create(FoldDatabase database) {
        schema.forEach(database::update);
        rows.forEach((table, values) -> values.forEach(row -> database.update(
                "INSERT INTO " + table + " VALUES (" + "?,".repeat(row.size() - 1) + "?)", row.toArray())));
        OwnTables.create(database);
    }

    /** The settings of the WAL are the only thing in which two seeds of one level differ. */
    void configure(FoldDatabase database) {
        database.update("DELETE FROM embeddings_queue_config");
        for (var row : rows.getOrDefault("embeddings_queue_config", List.of())) {
            database.update("INSERT INTO embeddings_queue_config VALUES (?, ?)", row.toArray());
        }
    }

    /** Gzipped JSON, a few KB. */
    byte[] pack() {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(JSON.writeValueAsBytes(this));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    static Seed unpack(byte[] packed) {
        try (var gzip = new GZIPInputStream(new ByteArrayInputStream(packed))) {
            return JSON.readValue(gzip, new TypeReference<Seed>() {});
        } catch (IOException e) {
            throw new FailureException(
                    Blame.INPUT, "compactor-tables-invalid", "read compactor_seed: " + e.getMessage(), e);
        }
    }
}
