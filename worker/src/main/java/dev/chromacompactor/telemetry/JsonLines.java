package dev.chromacompactor.telemetry;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A log line as one JSON object: {@code time}, {@code level}, {@code logger}, {@code thread}, {@code log} (the sentence), then
 * what {@link Keys} names, flat, and {@code error} with a stack trace. What a line says of itself comes before what its thread
 * is about (the job), and that before what the process is (the task).
 */
public final class JsonLines extends EncoderBase<ILoggingEvent> {
    private static final byte[] NOTHING = {};
    private static final JsonMapper JSON = new JsonMapper();

    @Override
    public byte[] headerBytes() {
        return NOTHING;
    }

    @Override
    public byte[] footerBytes() {
        return NOTHING;
    }

    @Override
    public byte[] encode(ILoggingEvent event) {
        ObjectNode line = JSON.createObjectNode();
        line.put("time", event.getInstant().toString());
        line.put("level", event.getLevel().toString());
        line.put("logger", simple(event.getLoggerName()));
        line.put("thread", event.getThreadName());
        line.put("log", event.getFormattedMessage());
        event.getLoggerContextVO().getPropertyMap().forEach((key, value) -> {
            if (Keys.OF_THE_PROCESS.contains(key)) {
                put(line, key, value);
            }
        });
        event.getMDCPropertyMap().forEach((key, value) -> put(line, key, value));
        if (event.getKeyValuePairs() != null) {
            event.getKeyValuePairs().forEach(pair -> put(line, pair.key, pair.value));
        }
        if (event.getThrowableProxy() != null) {
            line.put("error", ThrowableProxyUtil.asString(event.getThrowableProxy()));
        }
        try {
            return (JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers is always writable", e);
        }
    }

    private static void put(ObjectNode line, String key, @Nullable Object value) {
        switch (value) {
            case null -> {}
            case Integer number -> line.put(key, number);
            case Long number -> line.put(key, number);
            case Double number -> line.put(key, number);
            case Boolean flag -> line.put(key, flag);
            default -> line.put(key, String.valueOf(value));
        }
    }

    static String simple(String logger) {
        return logger.substring(logger.lastIndexOf('.') + 1);
    }
}
