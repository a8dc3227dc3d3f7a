package dev.chromacompactor.cli;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chromacompactor.archive.Archives;
import dev.chromacompactor.compaction.Scratch;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The deltas of the demo, real Chroma databases beside the program, as {@code demo/demo.json} lists them.
 *
 * @param recordsWithoutBroken in the snapshot as long as the broken deltas are not repaired
 * @param recordsComplete in the snapshot at the end
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record DemoData(
        String database,
        List<Delta> deltas,
        @JsonProperty("records_without_broken") long recordsWithoutBroken,
        @JsonProperty("records_complete") long recordsComplete,
        List<Question> questions) {
    /**
     * A delta.
     *
     * @param file archive of it, in the same folder
     * @param layout {@code directory} or {@code archive}: how its producer uploads it
     * @param damage in words; null if it is sound
     * @param reason it must be refused with
     * @param repaired archive of the same delta as its producer mends it
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Delta(
            String name,
            String file,
            String layout,
            String writer,
            long records,
            String story,
            @Nullable String damage,
            @Nullable String reason,
            @Nullable String repaired) {}

    /** What is asked at the end, and the ids that lie nearest. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Question(String text, float[] vector, List<Answer> nearest) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Answer(String id, String document) {}

    private static Path home() {
        return Path.of(System.getProperty("compactor.home", ".")).resolve("demo");
    }

    static DemoData load() throws IOException {
        Path list = home().resolve("demo.json");
        if (!Files.exists(list)) {
            throw FailureException.input(
                    "demo-data-missing", list + " is not there: start the demo through bin/compactor");
        }
        return new JsonMapper().readValue(list.toFile(), DemoData.class);
    }

    String prefix(Delta delta) {
        return database + "/delta/" + delta.name() + "/";
    }

    /** Uploads the delta as its producer would, whatever lies there already. */
    void upload(ObjectStore store, Delta delta, String file, Scratch scratch) throws IOException {
        Path archive = home().resolve(file);
        if (delta.layout().equals("archive")) {
            store.put(prefix(delta) + "delta" + file.substring(file.indexOf(".tar.")), archive);
            return;
        }
        Path directory = scratch.directory("upload-" + file);
        Archives.unpack(archive, directory, Archives.Limits.DEFAULT);
        Path root = Archives.databaseRoot(directory);
        try (var files = Files.walk(root)) {
            for (Path each : files.filter(Files::isRegularFile).toList()) {
                store.put(prefix(delta) + root.relativize(each), each);
            }
        }
        scratch.remove(directory);
    }
}
