package dev.chromacompactor.cli;

import java.io.Console;
import java.io.PrintStream;
import java.time.InstantSource;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a command sees of the process it runs in.
 *
 * @param out answers
 * @param err progress and what went wrong
 * @param terminal whether a person is watching: only then is there progress
 */
record Context(
        Map<String, String> environment, PrintStream out, PrintStream err, boolean terminal, InstantSource clock) {
    static Context ofProcess() {
        return new Context(
                System.getenv(), System.out, System.err, isTerminal(System.console()), InstantSource.system());
    }

    private static boolean isTerminal(@Nullable Console console) {
        return console != null && console.isTerminal();
    }

    /** @throws ConfigException with all problems together */
    Connection connect(String... required) {
        return Connection.open(environment, required);
    }
}
