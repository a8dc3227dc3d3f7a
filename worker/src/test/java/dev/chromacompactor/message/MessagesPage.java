package dev.chromacompactor.message;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** {@code docs/messages.md}: its examples, each with the schema that stands behind {@code ```json}, and its table of differences. */
final class MessagesPage {
    private static final Path PAGE = Path.of("..", "docs", "messages.md");
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```json (\\S+)\\n(.*?)^```$");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `(\\{.*\\})` \\| (.+?) \\| (.+?) \\| .+ \\|$");
    private static final ObjectMapper JSON = new ObjectMapper();

    private MessagesPage() {}

    record Example(String schema, JsonNode json) {}

    /** A body that parser and schema see differently. */
    record Difference(String body, String parser, String schema) {}

    static List<Example> examples() throws IOException {
        var examples = BLOCK.matcher(Files.readString(PAGE)).results().toList();
        var all = new ArrayList<Example>();
        for (var each : examples) {
            all.add(new Example(each.group(1), JSON.readTree(each.group(2))));
        }
        return all;
    }

    static List<Difference> differences() throws IOException {
        return ROW.matcher(Files.readString(PAGE))
                .results()
                .map(row -> new Difference(row.group(1), row.group(2).replace("`", ""), row.group(3)))
                .toList();
    }
}
