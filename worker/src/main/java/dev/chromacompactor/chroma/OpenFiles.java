package dev.chromacompactor.chroma;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who has which file open, from Linux's {@code /proc}: descriptors of every process we may look into (in a container
 * that is all of them, as root too), and mappings of our own. Files are compared by device and inode, so other names of
 * them are found as well. Without {@code /proc} nobody is found.
 */
final class OpenFiles {
    private static final Path PROC = Path.of("/proc");
    private static final int MAX_COMMAND = 100;

    private OpenFiles() {}

    /** @param who the process for people: its id and its command */
    record Holder(Path file, long pid, String who) {}

    static List<Holder> of(Collection<Path> files) {
        if (!Files.isDirectory(PROC.resolve("self/fd"))) {
            return List.of();
        }
        var wanted = new HashMap<Object, Path>();
        for (var file : files) {
            var inode = inode(file);
            if (inode != null) {
                wanted.put(inode, file);
            }
        }
        var holders = new ArrayList<Holder>();
        try (var processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (var process : processes) {
                addHolders(process, wanted, holders);
            }
        } catch (IOException | DirectoryIteratorException e) {
            // /proc itself cannot be listed: as good as not there.
            return List.of();
        }
        addOwnMappings(files, holders);
        return holders;
    }

    private static void addHolders(Path process, Map<Object, Path> wanted, List<Holder> holders) {
        var found = new HashSet<Path>();
        try (var descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (var descriptor : descriptors) {
                var inode = inode(descriptor);
                var file = inode == null ? null : wanted.get(inode);
                if (file != null && found.add(file)) {
                    long pid = Long.parseLong(process.getFileName().toString());
                    holders.add(new Holder(file, pid, who(process, pid)));
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // It has ended, or it belongs to somebody else and we may not look.
        }
    }

    /** A file may be mapped without a descriptor. Told by name: overlay file systems show other devices here. */
    private static void addOwnMappings(Collection<Path> files, List<Holder> holders) {
        var mapped = new HashSet<String>();
        try (var lines = Files.lines(PROC.resolve("self/maps"), StandardCharsets.ISO_8859_1)) {
            lines.filter(line -> line.indexOf('/') > 0).forEach(line -> mapped.add(line.substring(line.indexOf('/'))));
        } catch (IOException | UncheckedIOException e) {
            return;
        }
        long own = ProcessHandle.current().pid();
        for (var file : files) {
            var name = file.toAbsolutePath().normalize().toString();
            boolean known =
                    holders.stream().anyMatch(h -> h.pid() == own && h.file().equals(file));
            if (!known
                    && mapped.contains(
                            new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1))) {
                holders.add(new Holder(file, own, "this process (pid " + own + "), as a mapping"));
            }
        }
    }

    private static String who(Path process, long pid) {
        if (pid == ProcessHandle.current().pid()) {
            return "this process (pid " + pid + "), a descriptor was leaked";
        }
        return "pid " + pid + " (" + command(process) + ")";
    }

    private static String command(Path process) {
        try {
            var words = new String(Files.readAllBytes(process.resolve("cmdline")), StandardCharsets.UTF_8)
                    .replace('\0', ' ')
                    .replaceAll("\\p{Cntrl}", "?")
                    .strip();
            if (words.isEmpty()) {
                words = Files.readString(process.resolve("comm")).strip();
            }
            return words.length() <= MAX_COMMAND ? words : words.substring(0, MAX_COMMAND) + "…";
        } catch (IOException e) {
            return "ended since";
        }
    }

    /** Device and inode as one value, or null if there is nothing to look at any more. */
    private static @Nullable Object inode(Path path) {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            // Closed or removed since it was listed.
            return null;
        }
    }
}
