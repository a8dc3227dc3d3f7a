package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.chroma.Folders;
import java.nio.file.Path;
import java.util.Collection;
import org.jspecify.annotations.NullUnmarked;

/** Builds from a copy of the base, which building uses up, and proves what comes of it. */
@NullUnmarked
final class ProvenBuild {
    private ProvenBuild() {}

    static HnswBuilder.Report of(
            HnswIndex base,
            Path folder,
            HnswBuilder.Parameters parameters,
            VectorSource upserts,
            Collection<String> removed) {
        return of(base, folder, parameters, upserts, removed, Fresh.Tuning.standard(), false);
    }

    static HnswBuilder.Report of(
            HnswIndex base,
            Path folder,
            HnswBuilder.Parameters parameters,
            VectorSource upserts,
            Collection<String> removed,
            Fresh.Tuning tuning,
            boolean proven) {
        HnswBuilder.Report report;
        if (base == null) {
            report = HnswBuilder.build(null, folder, parameters, upserts, removed, tuning, proven);
        } else {
            Path copy = Folders.copy(base.folder(), folder.resolveSibling(folder.getFileName() + "-base"));
            try (HnswIndex used = HnswIndex.open(copy, base.space())) {
                report = HnswBuilder.build(used, folder, parameters, upserts, removed, tuning, proven);
            }
        }
        if (report.live() > 0) {
            try (HnswIndex built = HnswIndex.open(folder, parameters.space())) {
                built.prove(0);
            }
        }
        return report;
    }
}
