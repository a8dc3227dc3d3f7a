package dev.chromacompactor.telemetry;

import ch.qos.logback.classic.LoggerContext;
import java.util.Map;
import org.slf4j.LoggerFactory;

/** What holds for every line that this process logs. */
public final class LogProcess {
    private LogProcess() {}

    /** @param identity by {@link Keys#TASK} and the like */
    public static void is(Map<String, String> identity) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            identity.forEach(context::putProperty);
        }
    }
}
