package dev.chromacompactor.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.util.LibraryLoaderUtil;

/**
 * What {@code bin/prepare} runs: unpacks SQLite's library, and uses what short commands use, so that the JVM can keep those
 * classes.
 */
final class Prepare {
    private static final String LIBRARY_PATH = "org.sqlite.lib.path";

    private Prepare() {}

    public static void main(String[] args) throws IOException {
        Path home = Path.of(System.getProperty("compactor.home"));
        unpackLibrary(libraries(home));
        int help = Compactor.run("--help");
        Path demo = home.resolve("demo");
        Path base = Path.of(args[0], "base");
        int merged = merge(demo, base, List.of(), "monday.tar.gz", "tuesday.tar.gz");
        // So many that the index grows as a large one does.
        int grown = merge(
                demo,
                Path.of(args[0], "grown"),
                List.of("--base", base.toString()),
                "wednesday.tar.gz",
                "thursday.tar.gz",
                "saturday-repaired.tar.gz",
                "sunday-repaired.tar.gz",
                "holiday-repaired.tar.gz");
        System.exit(Math.max(help, Math.max(merged, grown)));
    }

    private static int merge(Path demo, Path out, List<String> onto, String... deltas) {
        List<String> words = new ArrayList<>(List.of("merge", "--out", out.toString()));
        words.addAll(onto);
        for (String delta : deltas) {
            words.add(demo.resolve(delta).toString());
        }
        return Compactor.run(words.toArray(String[]::new));
    }

    /** Where it was unpacked for this machine and this version of SQLite, it need not be unpacked at each start. */
    static void useLibrary(@Nullable String home) {
        if (home != null && System.getProperty(LIBRARY_PATH) == null) {
            Path libraries = libraries(Path.of(home));
            if (Files.isDirectory(libraries)) {
                System.setProperty(LIBRARY_PATH, libraries.toString());
            }
        }
    }

    private static Path libraries(Path home) {
        Path jar = Path.of(SQLiteConfig.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
        return home.resolve("lib").resolve("native").resolve(jar.getFileName() + "-" + System.getProperty("os.arch"));
    }

    private static void unpackLibrary(Path libraries) throws IOException {
        String name = LibraryLoaderUtil.getNativeLibName();
        try (InputStream library =
                SQLiteConfig.class.getResourceAsStream(LibraryLoaderUtil.getNativeLibResourcePath() + "/" + name)) {
            if (library == null) {
                throw new IllegalStateException("SQLite has no library for this machine");
            }
            Files.createDirectories(libraries);
            Path unfinished = libraries.resolve(name + ".unfinished");
            Files.write(unfinished, library.readAllBytes());
            Files.move(unfinished, libraries.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
