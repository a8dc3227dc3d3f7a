package dev.chromacompactor.process;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * An unpacked image, run as a strict container runtime would run it, but without one: mounts and processes of its own, a
 * read-only root, a scratch volume where nothing can be executed, the image's user and environment and nothing else. Only the
 * network is this machine's own.
 */
final class Container {
    /** Runs as process 1. The tools are this machine's, and what they start is looked for on the image's PATH. */
    private static final String ENTER = """
            set -e
            root=$1 user=$2 group=$3 directory=$4 path=$PATH
            shift 4
            PATH=/usr/sbin:/usr/bin:/sbin:/bin
            mount --bind "$root" "$root"
            mount -o remount,bind,ro "$root"
            mount -t proc proc "$root/proc"
            mount --rbind /dev "$root/dev"
            mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 scratch "$root/scratch"
            unshare=$(command -v unshare)
            PATH=$path
            exec "$unshare" --root="$root" --wd="$directory" --setuid="$user" --setgid="$group" "$@"
            """;

    private static final List<String> OWN_NAMESPACES =
            List.of("/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child");

    private final Image image;
    private final Path root;

    private Container(Image image, Path root) {
        this.image = image;
        this.root = root;
    }

    /** Skips the test where this cannot be done: it takes Linux, and root. */
    static Container of(Image image, Path root) throws Exception {
        Image.orSkip(canUnshare(), "cannot make mounts and processes of its own: not Linux, or not root");
        image.unpack(root);
        return new Container(image, root);
    }

    /** The image's entrypoint with these arguments. */
    Program start(Map<String, String> environment, String... arguments) {
        var command = image.words("Entrypoint");
        command.addAll(List.of(arguments));
        return start(environment, command);
    }

    /** Any command in the image. */
    Program start(Map<String, String> environment, List<String> command) {
        var config = image.config().path("config");
        var user = config.path("User").asText().split(":", 2);
        var line = new ArrayList<>(OWN_NAMESPACES);
        line.addAll(List.of("/bin/sh", "-c", ENTER, "sh", root.toString(), user[0], user[1]));
        line.add(config.path("WorkingDir").asText());
        line.addAll(command);
        var builder = new ProcessBuilder(line);
        builder.environment().clear();
        builder.environment().putAll(image.environment());
        builder.environment().putAll(environment);
        return Program.start(builder);
    }

    Program.Result run(Map<String, String> environment, List<String> command) {
        try (var program = start(environment, command)) {
            return program.result();
        }
    }

    /** Asks process 1 of a started container to end, as {@code docker stop} does. */
    static void stop(Program program) {
        ProcessHandle.of(program.pid())
                .flatMap(outer -> outer.children().findFirst())
                .orElseThrow()
                .destroy();
    }

    private static boolean canUnshare() throws Exception {
        if (!System.getProperty("os.name").equals("Linux")) {
            return false;
        }
        var line = new ArrayList<>(OWN_NAMESPACES);
        line.addAll(List.of("mount", "-t", "tmpfs", "none", "/mnt"));
        return new ProcessBuilder(line)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }
}
