package dev.chromacompactor.cli;

/** Whether the embedded servers are there: they are no part of the worker's image. */
final class EmbeddedBackend {
    private EmbeddedBackend() {}

    static boolean isThere() {
        try {
            Class.forName(
                    "dev.chromacompactor.embedded.EmbeddedServers", false, EmbeddedBackend.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }
}
