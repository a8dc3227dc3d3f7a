package dev.chromacompactor.cli;

import java.util.List;

/** The environment is refused; every problem is named. Exit code 78. */
final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<String> problems;

    ConfigException(List<String> problems) {
        super("configuration refused:\n  " + String.join("\n  ", problems));
        this.problems = List.copyOf(problems);
    }

    List<String> problems() {
        return problems;
    }
}
