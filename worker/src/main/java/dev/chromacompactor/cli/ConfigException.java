package dev.chromacompactor.cli;

import java.util.List;

/** The environment is refused; every problem is named. Exit code 78. */
final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<String> problems;
    private final String hint;

    ConfigException(List<String> problems) {
        this(problems, "These are environment variables; docs/configuration.md lists them all.");
    }

    /** @param hint where to read on */
    ConfigException(List<String> problems, String hint) {
        super("configuration refused:\n  " + String.join("\n  ", problems));
        this.problems = List.copyOf(problems);
        this.hint = hint;
    }

    String hint() {
        return hint;
    }

    List<String> problems() {
        return problems;
    }
}
