package dev.chromacompactor.cli;

import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import java.util.Objects;
import picocli.CommandLine.Command;

@Command(
        name = "show",
        description = "What a version is made of: its manifest.",
        footer = {
            "",
            "Examples:",
            "  compactor snapshot show --database words",
            "  compactor snapshot show --database words --json | jq .lineage.excused"
        })
final class SnapshotShow extends SnapshotCommand.OfVersion {
    SnapshotShow(Context context) {
        super(context);
    }

    @Override
    int run(SnapshotCatalog catalog) {
        Manifest manifest = manifest(catalog);
        output.result(manifest, text(manifest));
        return 0;
    }

    private static String text(Manifest manifest) {
        var text = new StringBuilder();
        var contents = manifest.contents();
        var lineage = manifest.lineage();
        field(text, "version", manifest.version() + ", number " + manifest.seq());
        field(text, "base", Objects.requireNonNullElse(manifest.base(), "none"));
        if (manifest.reverts() != null) {
            field(text, "content of", manifest.reverts());
        }
        field(text, "records", "%,d".formatted(contents.records()));
        for (Manifest.Collection collection : contents.collections()) {
            field(
                    text,
                    "collection",
                    "%s: %,d records, dimension %s, %s"
                            .formatted(
                                    collection.name(),
                                    collection.count(),
                                    collection.dimension() == null ? "not set yet" : collection.dimension(),
                                    collection.space()));
        }
        field(text, "files", "%d, %,d bytes".formatted(contents.files().size(), SnapshotCommand.bytes(manifest)));
        field(
                text,
                "inside",
                "%d chunks, %d deltas"
                        .formatted(lineage.chunks().size(), lineage.inputs().size()));
        lineage.excused()
                .forEach(each -> field(
                        text,
                        "excused",
                        each.chunk()
                                + (each.input() == null ? "" : " (" + each.input() + ")")
                                + ": " + each.reason() + ": " + each.message()));
        lineage.revoked()
                .chunks()
                .forEach(each -> field(text, "revoked", each.name() + ", inside since " + each.since()));
        field(text, "build", manifest.build());
        return text.toString().stripTrailing();
    }

    private static void field(StringBuilder text, String name, String value) {
        text.append("%-12s %s\n".formatted(name, value));
    }
}
