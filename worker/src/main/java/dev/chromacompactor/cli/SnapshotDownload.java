package dev.chromacompactor.cli;

import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "download",
        description = {
            "Downloads a version, each file checked, into a new directory that Chroma can open.",
            "The directory appears when all of it is there, or not at all."
        },
        footer = {"", "Examples:", "  compactor snapshot download --database words --out ./words"})
final class SnapshotDownload extends SnapshotCommand.OfVersion {
    record Downloaded(String database, String version, Path directory, long records, long bytes) {}

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "Where to; must not exist.")
    private Path out = Path.of("");

    SnapshotDownload(Context context) {
        super(context);
    }

    @Override
    int run(SnapshotCatalog catalog) throws IOException {
        try (NewDirectory target = NewDirectory.at(out)) {
            Manifest manifest = manifest(catalog);
            long bytes = SnapshotCommand.bytes(manifest);
            output.step("downloading %d files, %,d bytes"
                    .formatted(manifest.contents().files().size(), bytes));
            Path content = target.scratch().directory("snapshot");
            catalog.download(manifest, content);
            target.publish(content);
            long records = manifest.contents().records();
            output.result(
                    new Downloaded(manifest.database(), manifest.version(), target.path(), records, bytes),
                    "downloaded %s to %s: %,d records".formatted(manifest.version(), out, records));
        }
        return 0;
    }
}
