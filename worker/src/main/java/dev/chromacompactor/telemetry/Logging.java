package dev.chromacompactor.telemetry;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.LoggerFactory;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * Where log lines go: to standard error, as text or as JSON. Commands answer on standard output; what they log is for those
 * who look for a fault. A worker tells what it does.
 *
 * <p>Said here and not in a file, as reading XML took a sixth of the time of a short command.
 */
public final class Logging {
    private static final String LEVEL = "compactor.log.level";
    private static final String FORM = "compactor.log.form";

    /**
     * For a process that is ours. To be called before the first logger is made: else SLF4J and Logback look for a provider and a
     * configuration in every jar.
     */
    public static void begin() {
        System.setProperty(LoggerFactory.PROVIDER_PROPERTY_KEY, Logging.class.getName() + "$Provider");
        // By name: loading it would load Logback, which few commands need. SLF4J would tell that it follows the
        // property.
        System.setProperty("slf4j.internal.verbosity", "WARN");
    }

    /** @param form {@code text} or {@code json} */
    public static void tell(String form) {
        System.setProperty(LEVEL, "INFO");
        System.setProperty(FORM, form);
    }

    private Logging() {}

    /** What Logback finds by itself where nobody called {@link #begin()}, as in a test. */
    public static final class Setup extends ContextAwareBase implements Configurator {
        @Override
        public ExecutionStatus configure(LoggerContext context) {
            var encoder = "json".equals(System.getProperty(FORM)) ? new JsonLines() : new TextLines();
            encoder.setContext(context);
            encoder.start();
            var errors = new ConsoleAppender<ILoggingEvent>();
            errors.setName("STDERR");
            errors.setContext(context);
            errors.setTarget("System.err");
            errors.setEncoder(encoder);
            errors.start();
            Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
            root.setLevel(Level.toLevel(System.getProperty(LEVEL), Level.WARN));
            root.addAppender(errors);
            // The embedded S3 calls each question that it does not know an error; the asker is told so.
            context.getLogger("org.gaul.s3proxy.S3ProxyHandler").setLevel(Level.OFF);
            return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
        }
    }

    /** Logback, told by us and by nobody else. Public for SLF4J, which makes it. */
    public static final class Provider implements SLF4JServiceProvider {
        private final LoggerContext context = new LoggerContext();
        private final IMarkerFactory markers = new BasicMarkerFactory();
        private final LogbackMDCAdapter adapter = new LogbackMDCAdapter();

        @Override
        public void initialize() {
            context.setMDCAdapter(adapter);
            new Setup().configure(context);
            context.start();
        }

        @Override
        public ILoggerFactory getLoggerFactory() {
            return context;
        }

        @Override
        public IMarkerFactory getMarkerFactory() {
            return markers;
        }

        @Override
        public MDCAdapter getMDCAdapter() {
            return adapter;
        }

        /** The version of the API that is asked for, with any last part. */
        @Override
        public String getRequestedApiVersion() {
            return "2.0.99";
        }
    }
}
