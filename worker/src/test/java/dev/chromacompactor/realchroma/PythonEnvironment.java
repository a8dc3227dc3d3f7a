package dev.chromacompactor.realchroma;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A virtual environment with one Chroma version, or another program, made once and kept below {@code target/chroma-venvs} or
 * {@code $CHROMA_TEST_CACHE}. Several builds may share the folder: one makes an environment, the others wait.
 */
public final class PythonEnvironment {
    public static final Path SCRIPTS = Path.of("src", "test", "python").toAbsolutePath();
    private static final long MINUTES_TO_INSTALL = 8;

    private PythonEnvironment() {}

    /**
     * The environment's python.
     *
     * @param version the middle of {@code requirements-….txt}
     */
    public static Path of(String version) throws UnavailableException {
        var requirements = SCRIPTS.resolve("requirements-" + version + ".txt");
        var home = cache().resolve(version);
        var ready = home.resolve("ready");
        try {
            var wanted = Files.readString(requirements);
            Files.createDirectories(cache());
            try (var lock = FileChannel.open(
                            cache().resolve(version + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    var _ = lock.lock()) {
                if (!Files.exists(ready) || !Files.readString(ready).equals(wanted)) {
                    make(home, requirements);
                    Files.writeString(ready, wanted);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("making " + home + " from " + requirements, e);
        }
        return home.resolve("bin").resolve("python");
    }

    static Path cache() {
        return Optional.ofNullable(System.getenv("CHROMA_TEST_CACHE"))
                .map(Path::of)
                .orElse(Path.of("target", "chroma-venvs"))
                .toAbsolutePath();
    }

    private static void make(Path home, Path requirements) throws IOException, UnavailableException {
        deleteTree(home);
        run("python3", "-m", "venv", home.toString());
        run(
                home.resolve("bin").resolve("python").toString(),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
                "--no-compile",
                "--no-deps",
                "-r",
                requirements.toString());
    }

    private static void run(String... command) throws IOException, UnavailableException {
        var log = Files.createTempFile("chroma-install", ".log");
        try {
            Process process;
            try {
                process = new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectOutput(log.toFile())
                        .start();
            } catch (IOException e) {
                throw new UnavailableException(command[0] + " cannot be run: " + e.getMessage());
            }
            if (!process.waitFor(MINUTES_TO_INSTALL, TimeUnit.MINUTES)) {
                process.destroyForcibly().waitFor();
                throw new UnavailableException(
                        String.join(" ", command) + " took over " + MINUTES_TO_INSTALL + " minutes");
            }
            if (process.exitValue() != 0) {
                throw new UnavailableException(String.join(" ", command) + " failed: " + tail(log));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while making the environment");
        } finally {
            Files.delete(log);
        }
    }

    private static String tail(Path log) throws IOException {
        var text = new String(Files.readAllBytes(log), UTF_8).strip();
        return text.substring(Math.max(0, text.length() - 1500));
    }

    private static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        List<Path> all = new ArrayList<>();
        try (var walk = Files.walk(root)) {
            walk.sorted(Comparator.reverseOrder()).forEach(all::add);
        }
        for (var path : all) {
            Files.delete(path);
        }
    }

    /** Python, pip or the packages are not to be had here. */
    public static final class UnavailableException extends Exception {
        private static final long serialVersionUID = 1;

        UnavailableException(String message) {
            super(message);
        }
    }
}
