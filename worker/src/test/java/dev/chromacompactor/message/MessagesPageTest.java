package dev.chromacompactor.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chromacompactor.Schemas;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What {@code docs/messages.md} shows is true. */
class MessagesPageTest {
    private static final Path DOCS = Path.of("..", "docs");
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void every_example_is_valid_and_every_message_is_taken() throws IOException {
        var examples = MessagesPage.examples();
        assertThat(examples).hasSizeGreaterThan(20);
        for (var example : examples) {
            assertThat(Schemas.problems(example.schema(), example.json()))
                    .as("%s: %s", example.schema(), example.json())
                    .isEmpty();
            if (example.schema().equals("message")) {
                assertThatNoException()
                        .as(example.json().toString())
                        .isThrownBy(() -> MessageParser.parse(example.json().toString(), Map.of()));
            }
        }
    }

    @Test
    void parser_and_schema_differ_as_the_table_says() throws IOException {
        assertThat(MessagesPage.differences()).hasSize(7);
        for (var row : MessagesPage.differences()) {
            var valid = Schemas.problems("message", JSON.readTree(row.body())).isEmpty();
            assertThat(valid ? "valid" : "invalid").as(row.body()).isEqualTo(row.schema());
            if (row.parser().equals("taken")) {
                assertThat(valid).as("a difference").isFalse();
                assertThatNoException().isThrownBy(() -> MessageParser.parse(row.body(), Map.of()));
            } else {
                assertThat(valid).as("a difference").isTrue();
                assertThat(Bodies.refusal(() -> MessageParser.parse(row.body(), Map.of()))
                                .reason())
                        .as(row.body())
                        .isEqualTo(row.parser());
            }
        }
    }

    @Test
    void every_schema_is_linked() throws IOException {
        var page = Files.readString(DOCS.resolve("messages.md"));
        try (var schemas = Files.list(Schemas.FOLDER)) {
            assertThat(schemas.map(file -> file.getFileName().toString())
                            .filter(name -> !name.matches("(common|written|message).*|README.md")))
                    .allSatisfy(name -> assertThat(page).contains("(schemas/" + name + ")"));
        }
    }

    @Test
    void the_producer_on_the_page_is_the_one_that_is_run() throws IOException {
        var producer = Files.readString(DOCS.resolve("examples").resolve("producer.py"));
        assertThat(Files.readString(DOCS.resolve("messages.md"))).contains("```python\n" + producer + "```");
    }
}
