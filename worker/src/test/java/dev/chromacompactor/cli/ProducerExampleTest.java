package dev.chromacompactor.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.producer.Producer;
import java.io.File;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.sqs.SqsClient;

/** The program in the Javadoc of the producer's package does what it says, and the page for producers shows the same. */
class ProducerExampleTest {
    private static final Path JAVADOC = Path.of("src/main/java/dev/chromacompactor/producer/package-info.java");

    @TempDir
    Path scratch;

    private Stage stage;

    @BeforeEach
    void start() {
        stage = new Stage(scratch.resolve("workers"));
    }

    @AfterEach
    void stop() {
        stage.close();
    }

    private static String program() throws Exception {
        String text = Files.readString(JAVADOC);
        String begin = "<pre>{@code\n";
        return text.substring(text.indexOf(begin) + begin.length(), text.indexOf(" * }</pre>"))
                .lines()
                .map(line -> line.replaceFirst("^ \\* ?", ""))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    @Test
    void the_page_shows_the_program_of_the_javadoc() throws Exception {
        assertThat(Files.readString(Path.of("..", "docs", "producer.md"))).contains("```java\n" + program() + "```");
    }

    @Test
    void it_compiles_and_follows_what_it_sends_until_it_is_published() throws Exception {
        stage.upload("small_wal", scratch, "words/delta/one/");
        stage.upload("small_wal", scratch, "words/delta/two/");
        try (var loader = new URLClassLoader(
                new URL[] {compiled(program()).toUri().toURL()}, getClass().getClassLoader())) {
            var run = loader.loadClass("SendWords").getMethod("run", Map.class);
            stage.withWorker(() -> {
                assertThat(run.invoke(null, stage.environment())).isEqualTo(true);
                assertThat(run.invoke(null, stage.environment()))
                        .as("nothing is new")
                        .isEqualTo(true);
                stage.store().put("words/delta/three/chroma.sqlite3", "no database".getBytes(UTF_8));
                assertThat(run.invoke(null, stage.environment()))
                        .as("it failed")
                        .isEqualTo(false);
            });
        }

        var producer = new Producer(stage.store(), "words");
        assertThat(producer.where("words/delta/one/").state().label()).isEqualTo("inside");
        assertThat(producer.where("words/delta/three/").reason()).startsWith("sqlite-");
    }

    private Path compiled(String program) throws Exception {
        Path source = Files.writeString(scratch.resolve("SendWords.java"), program);
        Path classes = Files.createDirectories(scratch.resolve("classes"));
        var said = new StringWriter();
        var compiler = ToolProvider.getSystemJavaCompiler();
        // Where the classes that the program needs came from, whatever the runner of the tests did to the class path.
        String path = Stream.of(Producer.class, NullMarked.class, SqsClient.class)
                .map(each -> Path.of(java.net.URI.create(each.getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toString()))
                        .toString())
                .collect(Collectors.joining(File.pathSeparator));
        boolean done = compiler.getTask(
                        said,
                        null,
                        null,
                        List.of("-d", classes.toString(), "-classpath", path, "-Xlint:-classfile"),
                        null,
                        compiler.getStandardFileManager(null, null, null).getJavaFileObjects(source))
                .call();
        assertThat(done).as(said.toString()).isTrue();
        return classes;
    }
}
