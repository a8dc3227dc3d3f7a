package dev.chromacompactor.chroma;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * Directories that real chromadb wrote, with what the same chromadb says is in them:
 * {@code fixtures/<version>/<name>.tar.gz} and {@code <name>.<collection>.expected.jsonl.gz}.
 */
public final class ChromaFixtures {
    private static final List<String> ALL =
            List.of("all_types", "small_wal", "persisted", "churn", "churn_cosine", "churn_wal", "two_collections");

    /** Names by version. */
    public static final Map<String, List<String>> NAMES = Map.of(
            "0.5.0", List.of("all_types", "churn_cosine", "churn_wal", "two_collections"), "0.6.3", ALL, "1.5.9", ALL);

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private ChromaFixtures() {}

    /** Unpacks a fixture into {@code target}; some archives have a folder at the top, which is left out. */
    public static Path unpack(String version, String name, Path target) {
        try (var tar = new TarArchiveInputStream(new GZIPInputStream(resource(version + "/" + name + ".tar.gz")))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                Path relative = Path.of(entry.getName()).normalize();
                if (relative.startsWith(name)) {
                    relative = relative.equals(Path.of(name))
                            ? Path.of("")
                            : Path.of(name).relativize(relative);
                }
                Path path = target.resolve(relative);
                if (entry.isDirectory()) {
                    Files.createDirectories(path);
                } else {
                    Files.createDirectories(Objects.requireNonNull(path.getParent()));
                    Files.copy(tar, path);
                }
            }
            return target;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The expected lines: the collection first, then its records by id. */
    public static List<JsonNode> expected(String version, String name, String collection) {
        try (var in = new GZIPInputStream(resource(version + "/" + name + "." + collection + ".expected.jsonl.gz"));
                var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            List<JsonNode> nodes = new ArrayList<>();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                nodes.add(JSON.readTree(line));
            }
            return nodes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(ChromaFixtures.class.getResourceAsStream("/fixtures/" + name), name);
    }
}
