package dev.chromacompactor;

import dev.chromacompactor.cli.Compactor;

/** Entry point of {@code compactor}. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.exit(Compactor.run(args));
    }
}
