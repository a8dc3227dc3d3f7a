package dev.chromacompactor.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Whether the embedded servers are there: they are no part of the worker's image. */
final class EmbeddedBackend {
    private EmbeddedBackend() {}

    static boolean isThere() {
        return unpacked(System.getProperty("compactor.home")) || onClassPath();
    }

    /** The start script puts them on the class path only for those who use them. */
    private static boolean unpacked(@Nullable String home) {
        return home != null && Files.isDirectory(Path.of(home, "lib", "embedded"));
    }

    private static boolean onClassPath() {
        try {
            Class.forName(
                    "dev.chromacompactor.embedded.EmbeddedServers", false, EmbeddedBackend.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }
}
