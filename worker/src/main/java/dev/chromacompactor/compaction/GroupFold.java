package dev.chromacompactor.compaction;

import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.Summary;
import java.nio.file.Path;
import java.util.List;

/** {@code merge_chunk_group}: join intermediates into one. */
public final class GroupFold {
    private final Recipe recipe;

    public GroupFold(Recipe recipe) {
        this.recipe = recipe;
    }

    /**
     * Joins fetched intermediates, each a directory of the scratch with its {@code chroma.sqlite3}, and removes each once
     * it is joined: its space is free from there on. Any order gives the same result.
     */
    public Intermediate run(List<Path> intermediates, Scratch scratch) {
        Path directory = scratch.directory("merged");
        Summary summary;
        try (Fold fold = Fold.intermediate(directory)) {
            for (Path intermediate : intermediates) {
                fold.applyIntermediate(intermediate, stamp -> false);
                scratch.remove(intermediate);
            }
            summary = fold.finishIntermediate();
        }
        return ChunkFold.finished(directory, summary, recipe, List.of());
    }
}
