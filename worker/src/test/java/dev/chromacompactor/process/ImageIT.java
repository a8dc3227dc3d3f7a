package dev.chromacompactor.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code make image} leaves: looked at as a file, and run as far as that goes without a container runtime. */
class ImageIT {
    private static final Path HOME = Path.of(Objects.requireNonNull(System.getProperty("compactor.home")));
    private static final String DATABASE = "in-the-image";
    private static final int CHUNKS = 2;

    private static Image image;

    @TempDir
    private static Path root;

    @TempDir
    private Path directory;

    @BeforeAll
    static void read() throws Exception {
        image = Image.built();
        var built = Files.readAllBytes(HOME.resolve("lib/compactor.jar"));
        Image.orSkip(
                Arrays.equals(image.content(Image.OUR_JAR), built),
                "the image is of another build than the program: run make image");
    }

    @Test
    void docker_is_told_a_numeric_user_the_port_the_volume_and_what_to_run() {
        var config = image.config().path("config");
        assertThat(config.path("User").asText()).isEqualTo("10001:10001");
        assertThat(config.path("ExposedPorts").fieldNames()).toIterable().containsExactly("8080/tcp");
        assertThat(config.path("Volumes").fieldNames()).toIterable().containsExactly("/scratch");
        assertThat(config.path("WorkingDir").asText()).isEqualTo("/scratch");
        assertThat(image.words("Entrypoint")).containsExactly("java", "@/opt/compactor/java.options");
        assertThat(image.words("Cmd")).containsExactly("worker");
        assertThat(image.environment())
                .containsEntry("COMPACTOR_SCRATCH_DIR", "/scratch")
                .containsEntry("COMPACTOR_HEALTH_PORT", "8080")
                .containsEntry("LANG", "C.UTF-8");
        assertThat(image.config().path("os").asText()).isEqualTo("linux");
        assertThat(image.config().path("architecture").asText()).isIn("amd64", "arm64");
    }

    /** A change of ours then costs a registry and each machine that runs us one small layer. */
    @Test
    void runtime_dependencies_and_our_jar_are_layers_of_their_own() throws Exception {
        var layers = image.layers();
        assertThat(layers.getFirst().files())
                .contains("/opt/java/bin/java")
                .noneMatch(file -> file.startsWith("/opt/compactor/"));
        assertThat(layers.get(1).files())
                .allMatch(file -> file.startsWith("/opt/compactor/libs/"))
                .containsExactlyInAnyOrderElementsOf(jars(HOME.resolve("lib"))
                        .filter(name -> !name.equals("compactor.jar"))
                        .map("/opt/compactor/libs/"::concat)
                        .toList());
        assertThat(layers.get(2).files()).containsExactly(Image.OUR_JAR);
        assertThat(layers.stream().skip(3).flatMap(Image.Layer::files)).noneMatch(file -> file.endsWith(".jar"));
    }

    @Test
    void nothing_of_the_embedded_servers_or_the_demo_is_in_it() throws Exception {
        var deployed = jars(HOME.resolve("lib")).collect(Collectors.toSet());
        var embedded = jars(HOME.resolve("lib/embedded"))
                .filter(name -> !deployed.contains(name))
                .collect(Collectors.toSet());
        assertThat(embedded)
                .anyMatch(name -> name.startsWith("elasticmq"))
                .anyMatch(name -> name.startsWith("s3proxy"));

        var names = image.entries().map(each -> Path.of(each.path()).getFileName());
        assertThat(names.filter(Objects::nonNull).map(Path::toString))
                .doesNotContainAnyElementsOf(embedded)
                .noneMatch(name -> name.contains("embedded") || name.contains("demo"))
                .noneMatch(name -> name.endsWith(".tar.gz") || name.endsWith(".tar.zst"));
    }

    @Test
    void it_holds_a_runtime_and_the_C_library_and_no_system() {
        assertThat(image.entries().map(each -> each.path().replaceFirst("(?<=.)/.*", "")))
                .isSubsetOf("/", "/dev", "/etc", "/lib", "/lib64", "/opt", "/proc", "/scratch", "/sys", "/tmp", "/usr");
        assertThat(image.entries().filter(each -> each.path().startsWith("/tmp")))
                .singleElement()
                .satisfies(each -> assertThat(each.link()).isTrue());
        assertThat(image.entries().map(Image.Entry::path)).noneMatch(path -> path.matches(".*/(sh|bash|busybox|apt)"));
    }

    @Test
    void its_user_can_write_nowhere_but_in_scratch() {
        assertThat(image.entries()).allSatisfy(each -> assertThat(each.owner()).isZero());
        assertThat(image.entries().filter(each -> !each.link() && (each.mode() & 0002) != 0))
                .extracting(Image.Entry::path)
                .containsExactly("/scratch");
        assertThat(image.entries().filter(each -> (each.mode() & 06000) != 0))
                .as("changes the user")
                .isEmpty();
    }

    @Test
    void the_runtime_has_every_module_that_the_jars_use() throws Exception {
        var release = new String(image.content(Image.RELEASE), UTF_8);
        var there = Set.of(
                release.replaceFirst("(?s).*MODULES=\"([^\"]*)\".*", "$1").split(" "));
        // Only what is not used refers to them: beans in Jackson and the HTTP client, Kerberos in the HTTP client.
        var missing = new TreeSet<>(used(HOME.resolve("lib")));
        missing.removeAll(there);
        assertThat(missing).isSubsetOf("java.desktop", "java.security.jgss");
    }

    @Test
    void the_Dockerfile_says_the_same() throws Exception {
        var lines = Files.readAllLines(Path.of("../deploy/Dockerfile"));
        var last = lines.subList(lines.lastIndexOf("FROM scratch") + 1, lines.size());
        var said = last.stream()
                .filter(line -> line.matches("[A-Z]+ .*"))
                .map(line -> line.replace("\", \"", "\",\""))
                .toList();

        var config = image.config().path("config");
        var expected = new ArrayList<String>();
        image.environment().forEach((name, value) -> expected.add("ENV " + name + "=" + value));
        expected.add("VOLUME [\"/scratch\"]");
        expected.add("WORKDIR " + config.path("WorkingDir").asText());
        expected.add("EXPOSE 8080");
        expected.add("USER " + config.path("User").asText());
        expected.add("ENTRYPOINT " + config.path("Entrypoint"));
        expected.add("CMD " + config.path("Cmd"));
        var check = config.path("Healthcheck");
        expected.add("HEALTHCHECK --interval=%ds --timeout=%ds --start-period=%ds --retries=%d CMD %s"
                .formatted(
                        seconds(check.path("Interval").asLong()),
                        seconds(check.path("Timeout").asLong()),
                        seconds(check.path("StartPeriod").asLong()),
                        check.path("Retries").asInt(),
                        check.path("Test").toString().replace("\"CMD\",", "")));
        assertThat(said.stream().filter(line -> !line.startsWith("COPY ")))
                .containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void a_worker_in_it_publishes_answers_its_probe_and_ends_on_SIGTERM() throws Exception {
        var container = Container.of(image, root);

        var help = container.run(Map.of(), with(image.words("Entrypoint"), "--help"));
        assertThat(help.code()).as(help.err()).isZero();
        assertThat(help.out()).contains("compactor", "worker", "COMPACTOR_…").doesNotContain("  demo ", "  dev ");

        var backend = Backend.shared();
        var queues = backend.queues(DATABASE);
        var environment = backend.environment(queues, "COMPACTOR_HEALTH_PORT", String.valueOf(freePort()));
        var _ = SmallDeltas.put(backend.bucket(), DATABASE, CHUNKS, directory);
        try (var worker = container.start(environment, "worker")) {
            await().atMost(Backend.PATIENCE).until(() -> worker.says("worker started") == 1 || !worker.isAlive());
            assertThat(worker.isAlive()).as(worker.err()).isTrue();
            try (var enqueue = container.start(
                    environment,
                    "enqueue",
                    "--database",
                    DATABASE,
                    "--prefix",
                    DATABASE + "/delta/",
                    "--chunk-size",
                    "1")) {
                assertThat(enqueue.result().code()).as(enqueue.err()).isZero();
            }
            await().atMost(Backend.PATIENCE)
                    .until(() -> backend.live(DATABASE).isPresent() && backend.messages(queues.url()) == 0);
            var alive = container.run(environment, probe());
            assertThat(alive.code()).as(alive.err()).isZero();

            Container.stop(worker);
            assertThat(worker.await(Program.STOP)).as(worker.err()).isEqualTo(143);
            assertThat(worker.says("worker stopped")).isEqualTo(1);
            assertThat(worker.err()).doesNotContain("\tat ", "NoClassDefFound", "UnsatisfiedLink");
        }
        assertThat(container.run(environment, probe()).code()).as("ended").isEqualTo(1);
        assertThat(backend.live(DATABASE).orElseThrow().contents().records())
                .isEqualTo((long) CHUNKS * SmallDeltas.RECORDS);
        assertThat(backend.messages(queues.deadLetters())).isZero();
    }

    /** The command of the health check. */
    private static List<String> probe() {
        var words = new ArrayList<String>();
        image.config().path("config").path("Healthcheck").path("Test").forEach(word -> words.add(word.asText()));
        assertThat(words.getFirst()).isEqualTo("CMD");
        return words.subList(1, words.size());
    }

    private static Set<String> used(Path lib) throws IOException {
        var out = new StringWriter();
        var jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
        var arguments =
                new ArrayList<>(List.of("--multi-release", "25", "--ignore-missing-deps", "--print-module-deps"));
        arguments.addAll(List.of("--class-path", lib + "/*"));
        try (Stream<Path> files = Files.list(lib)) {
            files.filter(file -> file.toString().endsWith(".jar"))
                    .map(Path::toString)
                    .forEach(arguments::add);
        }
        int code = jdeps.run(new PrintWriter(out, true), new PrintWriter(out, true), arguments.toArray(String[]::new));
        assertThat(code).as(out.toString()).isZero();
        return Set.of(
                out.toString().lines().reduce((_, last) -> last).orElseThrow().split(","));
    }

    private static Stream<String> jars(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files
                    .map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> name.endsWith(".jar"))
                    .toList()
                    .stream();
        }
    }

    private static List<String> with(List<String> words, String more) {
        words.add(more);
        return words;
    }

    private static long seconds(long nanos) {
        return Duration.ofNanos(nanos).toSeconds();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
