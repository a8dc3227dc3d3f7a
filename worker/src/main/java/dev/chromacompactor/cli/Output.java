package dev.chromacompactor.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.cfg.EnumFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import picocli.CommandLine.Option;

/**
 * Where a command's answer goes: to people, or with {@code --json} to a machine. Progress goes to standard error, to a
 * terminal only.
 *
 * <p>JSON is one line: keys in snake_case, enums in lower case, times as ISO-8601 text; what is unknown is null, so the
 * keys are always the same.
 */
final class Output {
    /** Made when JSON is asked for: making it takes longer than all else that an answer needs. */
    private static final class Json {
        private static final JsonMapper MAPPER = JsonMapper.builder()
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
                .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                .addModule(new SimpleModule()
                        .addSerializer(Instant.class, ToStringSerializer.instance)
                        .addSerializer(Path.class, ToStringSerializer.instance))
                .build();
    }

    private static final long PATIENCE_MILLIS = 1000;
    private static final long REFRESH_MILLIS = 100;

    @Option(names = "--json", description = "Answer in JSON.")
    private boolean json;

    private final PrintStream out;
    private final PrintStream err;
    private final boolean terminal;
    private final InstantSource clock;
    private boolean unfinishedLine;
    private long began;
    private long shown;

    Output() {
        this(Context.ofProcess());
    }

    Output(Context context) {
        this.out = context.out();
        this.err = context.err();
        this.terminal = context.terminal();
        this.clock = context.clock();
    }

    boolean json() {
        return json;
    }

    /** The answer: the value as one line of JSON, or the text. */
    void result(Object value, String text) {
        endProgress();
        out.println(json ? toJson(value) : text);
        out.flush();
    }

    /** A line for people only. */
    void line(String text) {
        endProgress();
        if (!json) {
            out.println(text);
        }
    }

    /** Whether a line that is shown can change, so that it is worth it to show it again. */
    boolean refreshes() {
        return terminal && !json;
    }

    /** How far it has come, whenever that changes: on a terminal one line that changes, else a line each. */
    void follow(String text) {
        if (json) {
            return;
        }
        if (terminal) {
            overwrite(text);
        } else {
            out.println(text);
        }
    }

    /** For a machine that follows: one line of JSON as it happens. */
    void event(Object value) {
        if (json) {
            out.println(toJson(value));
            out.flush();
        }
    }

    /** Somebody pressed Ctrl-C: the last word, on a line of its own. */
    void leave(String text) {
        endProgress();
        if (!json) {
            err.println(text);
        }
    }

    /** Something a person should know though the command goes on; never in the way of the answer. */
    void warn(String text) {
        endProgress();
        err.println("warning: " + text);
    }

    /** A step that takes as long as it takes. The line goes when the next one, or the answer, comes. */
    void step(String doing) {
        if (terminal && !json) {
            overwrite(doing + " …");
            began = 0;
        }
    }

    /** So many of so many: shown once it has gone on for a second, and not more often than anybody can read. */
    void progress(String what, long done, long of) {
        if (!terminal || json) {
            return;
        }
        long now = clock.millis();
        if (began == 0) {
            began = now;
        }
        if (now - began >= PATIENCE_MILLIS && now - shown >= REFRESH_MILLIS) {
            overwrite("%s %,d/%,d".formatted(what, done, of));
            shown = now;
        }
    }

    private void overwrite(String text) {
        err.print("\r\033[K" + text);
        err.flush();
        unfinishedLine = true;
    }

    private void endProgress() {
        if (unfinishedLine) {
            err.print("\r\033[K");
            err.flush();
            unfinishedLine = false;
        }
    }

    static String toJson(Object value) {
        try {
            return Json.MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("write " + value.getClass().getSimpleName() + " as JSON", e);
        }
    }
}
