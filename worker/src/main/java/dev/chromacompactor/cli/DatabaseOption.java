package dev.chromacompactor.cli;

import dev.chromacompactor.message.Names;
import picocli.CommandLine.Option;

/** {@code --database}: its name is a part of keys. */
final class DatabaseOption {
    @Option(
            names = "--database",
            required = true,
            paramLabel = "NAME",
            description = "The database: the folder of the bucket that holds its deltas and snapshots.")
    private String name = "";

    String name() {
        return checked("--database", name);
    }

    /** @throws UsageException if it cannot be a database or a batch */
    static String checked(String option, String name) {
        if (!Names.isName(name)) {
            throw new UsageException(
                    option + " " + name + ": letters, digits, '.', '_' and '-', at most 128, and not . or ..");
        }
        return name;
    }
}
