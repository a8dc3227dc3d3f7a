package dev.chromacompactor.process;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.opentest4j.TestAbortedException;

/**
 * The tar of {@code make image}, in Docker's format: {@code manifest.json} names {@code config.json} and the layers.
 *
 * @param config what Docker is told, see <a href="https://github.com/moby/docker-image-spec">the image specification</a>
 * @param layers from the bottom up
 */
record Image(JsonNode config, List<Layer> layers) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path TAR =
            Path.of(Objects.requireNonNull(System.getProperty("compactor.home")) + "-image.tar");

    static final String OUR_JAR = "/opt/compactor/classpath/compactor.jar";
    static final String RELEASE = "/opt/java/release";
    private static final Set<String> KEPT = Set.of(OUR_JAR, RELEASE);

    /** @param file its name in the tar */
    record Layer(String file, List<Entry> entries) {
        /** Paths of the files, links included. */
        Stream<String> files() {
            return entries.stream().filter(each -> !each.directory()).map(Entry::path);
        }
    }

    /** One file, directory or link; the content only of {@link #OUR_JAR} and {@link #RELEASE}. */
    record Entry(String path, boolean directory, boolean link, int mode, long owner, byte[] content) {}

    /** Skips the test if the image was not built; with {@code CI=true} in the environment it fails instead. */
    static Image built() throws IOException {
        orSkip(Files.exists(TAR), TAR + " is not there: run make image");
        var files = new HashMap<String, byte[]>();
        try (var tar = new TarArchiveInputStream(new BufferedInputStream(Files.newInputStream(TAR)))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                files.put(entry.getName(), tar.readAllBytes());
            }
        }
        var manifest = JSON.readTree(files.get("manifest.json")).path(0);
        var layers = new ArrayList<Layer>();
        for (JsonNode name : manifest.path("Layers")) {
            layers.add(new Layer(name.asText(), entries(files.get(name.asText()))));
        }
        return new Image(JSON.readTree(files.get(manifest.path("Config").asText())), layers);
    }

    static void orSkip(boolean there, String otherwise) {
        if (!there && "true".equals(System.getenv("CI"))) {
            throw new AssertionError(otherwise);
        } else if (!there) {
            throw new TestAbortedException(otherwise);
        }
    }

    Stream<Entry> entries() {
        return layers.stream().flatMap(layer -> layer.entries().stream());
    }

    byte[] content(String path) {
        return entries()
                .filter(each -> each.path().equals(path))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + path + " in " + TAR))
                .content();
    }

    /** A list of {@code config}, such as {@code Entrypoint}. */
    List<String> words(String name) {
        var words = new ArrayList<String>();
        config.path("config").path(name).forEach(word -> words.add(word.asText()));
        return words;
    }

    /** The variables that the image sets. */
    Map<String, String> environment() {
        var environment = new HashMap<String, String>();
        for (String variable : words("Env")) {
            var parts = variable.split("=", 2);
            environment.put(parts[0], parts[1]);
        }
        return environment;
    }

    /** Lays the layers one over the other, with owners and modes. */
    void unpack(Path root) throws Exception {
        for (Layer layer : layers) {
            var command = "tar -xOf \"$1\" \"$2\" | tar -C \"$3\" --warning=no-unknown-keyword -xpzf -";
            var tar = new ProcessBuilder("sh", "-c", command, "sh", TAR.toString(), layer.file(), root.toString());
            assertThat(tar.inheritIO().start().waitFor()).as("tar").isZero();
        }
    }

    private static List<Entry> entries(byte[] layer) throws IOException {
        var entries = new ArrayList<Entry>();
        try (var tar = new TarArchiveInputStream(new GZIPInputStream(new ByteArrayInputStream(layer)))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                var path = entry.getName().replaceFirst("^(\\./)?", "/").replaceFirst("(?<=.)/$", "");
                entries.add(new Entry(
                        path,
                        entry.isDirectory(),
                        entry.isSymbolicLink() || entry.isLink(),
                        entry.getMode() & 07777,
                        entry.getLongUserId(),
                        KEPT.contains(path) ? tar.readAllBytes() : new byte[0]));
            }
        }
        return entries;
    }
}
