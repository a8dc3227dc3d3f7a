package dev.chromacompactor.realchroma;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.realchroma.PythonEnvironment.UnavailableException;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.opentest4j.TestAbortedException;

/**
 * One version of real Chroma, in a Python process that answers questions about directories; started at the first question and shared by
 * all tests. It ends with this process, whose pipe it reads. Not AutoCloseable: JUnit would close it after each test it is an argument of.
 *
 * <p>Where Python or the packages are not to be had, the first question aborts the test, so that it counts as skipped and says why; with
 * {@code CI=true} in the environment it fails instead.
 */
public final class RealChroma {
    /** Oldest first; each has its {@code requirements-….txt}. */
    private static final List<String> VERSIONS = List.of("0.6.3", "1.0.20", "1.3.5", "1.5.9");

    private static final Map<String, RealChroma> SHARED = new ConcurrentHashMap<>();
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private final String version;
    private @Nullable Talk talk;
    private @Nullable String unavailable;

    private RealChroma(String version) {
        this.version = version;
    }

    /** The newest version the tests know. */
    public static RealChroma newest() {
        return version(VERSIONS.getLast());
    }

    public static RealChroma version(String version) {
        if (!VERSIONS.contains(version)) {
            throw new IllegalArgumentException("no requirements for Chroma " + version + ", only for " + VERSIONS);
        }
        return SHARED.computeIfAbsent(version, RealChroma::new);
    }

    /**
     * The versions to test with: those of {@code CHROMA_TEST_VERSIONS} (environment, or
     * {@code compactor.chroma.versions} as a property), a list with commas or {@code all}; the newest alone without it.
     */
    public static List<RealChroma> configured() {
        var wanted = System.getProperty("compactor.chroma.versions", System.getenv("CHROMA_TEST_VERSIONS"));
        if (wanted == null || wanted.isBlank()) {
            return List.of(newest());
        }
        var names = wanted.equals("all") ? VERSIONS : List.of(wanted.split("\\s*,\\s*"));
        return names.stream().map(RealChroma::version).toList();
    }

    /** The configured versions that can open what {@code writer} wrote, itself included. */
    public static List<RealChroma> readersOf(RealChroma writer) {
        return configured().stream().filter(reader -> reader.opens(writer)).toList();
    }

    private boolean opens(RealChroma writer) {
        var mine = VERSIONS.indexOf(version);
        var theirs = VERSIONS.indexOf(writer.version);
        // 1.3.5 opens what 1.5.9 wrote; 0.6.3 and 1.0.20 panic on what is newer than themselves.
        return mine >= theirs || mine >= VERSIONS.indexOf("1.3.5");
    }

    /** Writes the database of that name of {@code chroma_scenarios.py} to {@code dir}, which must not exist. */
    public void scenario(String name, Path dir) {
        ask("scenario", request().put("dir", dir.toString()).put("name", name));
    }

    /** Creates {@code collection} if there is none of that name and upserts {@code records}; the directory may hold a database. */
    public void upsert(Path dir, String collection, Space space, List<ChromaRecord> records) {
        var request = request().put("dir", dir.toString());
        var steps = request.putArray("steps");
        steps.addObject()
                .put("do", "create")
                .put("collection", collection)
                .putObject("metadata")
                .put("hnsw:space", space.label());
        for (var record : records) {
            ChromaRecord.fill(steps.addObject().put("do", "upsert").put("collection", collection), record);
        }
        ask("write", request);
    }

    /** Deletes ids; they need not exist. */
    public void delete(Path dir, String collection, List<String> ids) {
        var request = request().put("dir", dir.toString());
        var step = request.putArray("steps").addObject().put("do", "delete").put("collection", collection);
        ids.forEach(step.putArray("ids")::add);
        ask("write", request);
    }

    /** What is in a database, by collection name; read from a copy. */
    public Map<String, ChromaCollection> dump(Path dir) {
        return ChromaCollection.byName(
                ask("dump", request().put("dir", dir.toString())).get("collections"));
    }

    /**
     * Opens a copy and does what readers do with every collection: {@code get} of every id, filters, queries; with {@code add} &gt; 0
     * also what writers do, and looks again after a restart.
     */
    public Examination examine(Path dir, int queries, int add) {
        var answer = ask(
                "check",
                request()
                        .put("dir", dir.toString())
                        .put("queries", queries)
                        .put("extend", add)
                        .put("seed", 7));
        return Examination.of(answer);
    }

    /** {@code count} random histories with seeds from {@code seed} on, their deltas below {@code dir}. */
    public List<History> histories(Path dir, int seed, int count, int maxDeltas) {
        var answer = ask(
                "histories",
                request()
                        .put("dir", dir.toString())
                        .put("seed", seed)
                        .put("count", count)
                        .put("max_deltas", maxDeltas));
        return StreamSupport.stream(answer.get("histories").spliterator(), false)
                .map(History::of)
                .toList();
    }

    /** Whether metadata values can be lists in this version. */
    public boolean takesLists() {
        return ask("version", request()).get("lists").asBoolean();
    }

    private static ObjectNode request() {
        return JSON.createObjectNode();
    }

    private synchronized JsonNode ask(String operation, ObjectNode request) {
        if (talk == null) {
            talk = start();
        }
        var answer = talk.exchange(request.put("op", operation));
        var error = answer.get("error");
        if (error != null) {
            throw new AssertionError("Chroma " + version + ", " + operation + ": " + error.asText());
        }
        return answer.get("ok");
    }

    private Talk start() {
        return new Talk(version, python());
    }

    /** The interpreter of its environment, for scripts that are tested; the newest version's has boto3 too. */
    public synchronized Path python() {
        try {
            if (unavailable == null) {
                return PythonEnvironment.of(version);
            }
        } catch (UnavailableException e) {
            unavailable = "Chroma " + version + " is not to be had here: " + e.getMessage();
        }
        if ("true".equals(System.getenv("CI"))) {
            throw new AssertionError(unavailable);
        }
        throw new TestAbortedException(unavailable);
    }

    @Override
    public String toString() {
        return "chromadb " + version;
    }

    /** The running process. */
    private static final class Talk {
        private final Process process;
        private final BufferedWriter out;
        private final BufferedReader in;
        private final Path log;

        Talk(String version, Path python) {
            log = PythonEnvironment.cache()
                    .resolve(String.format(
                            Locale.ROOT,
                            "driver-%s-%d.log",
                            version,
                            ProcessHandle.current().pid()));
            try {
                var builder = new ProcessBuilder(
                        python.toString(),
                        PythonEnvironment.SCRIPTS.resolve("chroma_driver.py").toString());
                builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
                log.toFile().deleteOnExit();
                process = builder.redirectError(log.toFile()).start();
            } catch (IOException e) {
                throw new UncheckedIOException("starting " + python, e);
            }
            out = process.outputWriter(UTF_8);
            in = process.inputReader(UTF_8);
        }

        JsonNode exchange(ObjectNode request) {
            try {
                out.write(JSON.writeValueAsString(request));
                out.newLine();
                out.flush();
                var line = in.readLine();
                if (line == null) {
                    throw new AssertionError(
                            "Python ended while asked to " + request.get("op") + ": " + Files.readString(log));
                }
                return JSON.readTree(line);
            } catch (IOException e) {
                throw new UncheckedIOException("asking Python to " + request.get("op"), e);
            }
        }
    }

    /** Names of the databases in {@code chroma_scenarios.py}. */
    public static List<String> scenarios() {
        return List.of(
                "empty",
                "all_types",
                "indexed",
                "churn",
                "churn_cosine",
                "churn_ip",
                "churn_in_the_log",
                "several",
                "emptied");
    }
}
