package dev.chromacompactor.cli;

import dev.chromacompactor.control.Release;
import dev.chromacompactor.snapshot.ChunkName;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "release",
        description = {
            "Lets chunks back in that a rollback took out, and asks for their publish; workers do the rest.",
            "Asked again, it sends again what is still not inside. Chunks whose intermediates are gone are processed again.",
            "Exit code 3 if nothing could be sent for one of them."
        },
        footer = {
            "",
            "Examples:",
            "  compactor snapshot show --database words                     lists what is revoked",
            "  compactor snapshot release --database words b-20261124/0 b-20261124/1"
        })
final class SnapshotRelease extends SnapshotCommand.OnDatabase {
    @Parameters(
            arity = "1..*",
            paramLabel = "CHUNK",
            description = "BATCH/INDEX, or KEY@ETAG of an intermediate without a batch, as snapshot show names them.")
    private String[] chunks = {};

    SnapshotRelease(Context context) {
        super(context);
    }

    /** @param version the new one, in which they are no longer revoked; null: they were not */
    record Done(
            String database,
            @Nullable String version,
            List<ChunkName> inside,
            List<String> published,
            List<ChunkName> processed,
            List<ChunkName> unsent) {}

    @Override
    String[] required() {
        return new String[] {Config.BUCKET, Config.QUEUE_URL};
    }

    @Override
    int run(Connection connection, String name) {
        if (Arrays.stream(chunks).anyMatch(String::isBlank)) {
            throw new UsageException("CHUNK: BATCH/INDEX, as snapshot show names them");
        }
        List<ChunkName> names = Arrays.stream(chunks).map(ChunkName::new).toList();
        var queue = connection.queue();
        Release.Released released = new Release(connection.store(), name, Compactor.version(), queue).run(names);
        output.result(
                new Done(
                        name,
                        released.version(),
                        released.inside(),
                        released.batches(),
                        released.again(),
                        released.unsent()),
                text(released));
        return released.unsent().isEmpty() ? 0 : ExitCode.FOUND_SOMETHING;
    }

    private static String text(Release.Released released) {
        var text = new StringBuilder(
                released.version() == null
                        ? "none of them was revoked any more"
                        : "released in version " + released.version());
        line(text, "inside already", released.inside());
        line(text, "asked to publish", released.batches());
        line(text, "processed again, then published", released.again());
        line(text, "nothing could be sent for, as neither plan nor receipt says how it is made", released.unsent());
        return text.toString();
    }

    private static void line(StringBuilder text, String what, List<?> items) {
        if (!items.isEmpty()) {
            text.append("\n  ")
                    .append(what)
                    .append(": ")
                    .append(items.stream().map(String::valueOf).collect(Collectors.joining(", ")));
        }
    }
}
