package dev.chromacompactor.snapshot;

import dev.chromacompactor.snapshot.Lineage.Chunk;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Lineage.Input;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Manifests without Chroma files, for tests. */
public final class Manifests {
    public static final Duration MONTH = Duration.ofDays(30);

    private Manifests() {}

    /** The next version on {@code base}, with these chunks on top. */
    public static Manifest next(Publisher publisher, InstantSource clock, Live base, String... chunks) {
        return next(publisher, clock, base, List.of(), chunks);
    }

    public static Manifest next(
            Publisher publisher, InstantSource clock, Live base, List<Manifest.StoredFile> files, String... chunks) {
        String version = publisher.freshVersion(base);
        List<Chunk> taken = Stream.of(chunks)
                .map(name -> new Chunk(new ChunkName(name), "intermediate/" + name, "e-" + name, version))
                .toList();
        return manifest(base, version, files, clock, taken, List.of(), List.of());
    }

    public static Manifest manifest(
            Live base,
            String version,
            List<Manifest.StoredFile> files,
            InstantSource clock,
            List<Chunk> chunks,
            List<Input> inputs,
            List<Excuse> excuses) {
        Lineage lineage = base.lineage().next(version, clock.instant(), MONTH, chunks, inputs, excuses, _ -> false);
        return manifest(base, version, files, lineage);
    }

    public static Manifest manifest(Live base, String version, List<Manifest.StoredFile> files, Lineage lineage) {
        var contents = new Manifest.Contents(
                files,
                new ArrayList<>(List.of(new Manifest.Collection("words", "id-1", 3, 8, "l2"))),
                3,
                "digest",
                new Ledger(0, 3, 3, 0, 0, 0, 0, 0, 3),
                new Manifest.Level(10, 6, 2));
        return manifest(base, version, contents, lineage);
    }

    static Manifest manifest(Live base, String version, Manifest.Contents contents, Lineage lineage) {
        return new Manifest(
                Manifest.FORMAT,
                "words",
                version,
                base.seq() + 1,
                switch (base) {
                    case Live.None _ -> null;
                    case Live.Ours ours -> ours.version();
                    case Live.Foreign foreign -> foreign.version();
                },
                null,
                contents,
                lineage,
                Map.of("fold", 12L),
                "test");
    }
}
