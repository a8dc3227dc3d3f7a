package dev.chromacompactor.chroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.chroma.hnsw.HnswBuilder;
import dev.chromacompactor.chroma.hnsw.HnswIndex;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Turns a workspace into a snapshot: tables, index folders, and a WAL that both segments of every collection have followed
 * to its end.
 */
final class SnapshotFiles {
    private static final int UPDATE = 1;

    private final Workspace workspace;
    private final Path directory;

    private final @Nullable Touched touched;
    private final List<Runnable> builds = new ArrayList<>();

    private SnapshotFiles(Workspace workspace, Path directory, @Nullable Touched touched) {
        this.workspace = workspace;
        this.directory = directory;
        this.touched = touched;
    }

    /**
     * Completes the tables, so that they can be closed; {@link #index} does the rest.
     *
     * @param horizon what is older is forgotten
     * @param last the last position of the WAL that is taken
     * @param touched what was changed in a proven base; null: everything may have been
     */
    static SnapshotFiles settle(
            Workspace workspace, Path directory, long horizon, long last, @Nullable Touched touched) {
        OwnTables.forget(workspace.database(), horizon);
        OwnTables.settle(workspace.database());
        var files = new SnapshotFiles(workspace, directory, touched);
        workspace.collections().all().forEach(info -> files.builds.add(files.plan(info)));
        files.emptyWal(Math.max(last, 1));
        return files;
    }

    /** Brings the indexes up to date, without a look at the tables. */
    void index() {
        builds.forEach(Runnable::run);
        if (touched != null) {
            touched.close();
        }
    }

    /**
     * One row stays, at the position that everything has followed: Chroma numbers the next row after the largest one there
     * is, and rows numbered below a segment's position would be lost. It updates an id that does not exist, so it means
     * nothing even to a segment that reads it.
     */
    private void emptyWal(long position) {
        var database = workspace.database();
        database.update("DELETE FROM embeddings_queue");
        database.update("DELETE FROM max_seq_id");
        CollectionInfo bearer = null;
        for (CollectionInfo info : workspace.collections().all()) {
            workspace.follow(info.metadataSegment(), position);
            // Without records there is no index, and a position of one that is missing is damage.
            if (workspace.records(info) > 0) {
                workspace.follow(info.vectorSegment(), position);
                bearer = info;
            } else if (bearer == null) {
                bearer = info;
            }
        }
        if (bearer != null) {
            database.update(
                    "INSERT INTO embeddings_queue (seq_id, operation, topic, id) VALUES (?, ?, ?, '')",
                    position,
                    UPDATE,
                    Workspace.topic(bearer));
        }
    }

    /** Finds out what is to be done to a collection's index; returns how. */
    private Runnable plan(CollectionInfo info) {
        if (touched != null) {
            return planTouched(info, touched);
        }
        Path folder = directory.resolve(info.vectorSegment());
        boolean isThere = HnswIndex.exists(folder);
        var upserts = new Upserts(workspace.scratch());
        Set<String> live = new HashSet<>();
        // By id: the same records give the same graph, whatever order they came in.
        workspace
                .database()
                .each(
                        "SELECT embedding_id, id FROM embeddings WHERE segment_id = ? ORDER BY embedding_id",
                        row -> {
                            if (isThere) {
                                live.add(row.getString(1));
                            }
                            if (workspace.scratch().contains(row.getLong(2))) {
                                upserts.add(row.getString(1), row.getLong(2));
                            }
                        },
                        info.metadataSegment());
        return () -> index(info, upserts, live);
    }

    private void index(CollectionInfo info, Upserts upserts, Set<String> live) {
        Path folder = directory.resolve(info.vectorSegment());
        if (HnswIndex.exists(folder)) {
            try (var base = HnswIndex.open(folder, info.space())) {
                var removed =
                        base.ids().stream().filter(id -> !live.contains(id)).toList();
                build(info, base, upserts, removed, false);
            }
        } else if (upserts.count() > 0) {
            build(info, null, upserts, Set.of(), false);
        }
    }

    /** The same for a proven base, without a look at the ids that are as they were. */
    private Runnable planTouched(CollectionInfo info, Touched changes) {
        var upserts = new Upserts(workspace.scratch());
        Set<String> removed = new HashSet<>();
        for (String id : new TreeSet<>(changes.of(info))) {
            long row = workspace.reader().row(info, id);
            if (row == 0) {
                removed.add(id);
            } else if (workspace.scratch().contains(row)) {
                upserts.add(id, row);
            }
        }
        return () -> indexTouched(info, changes, upserts, removed);
    }

    private void indexTouched(CollectionInfo info, Touched changes, Upserts upserts, Set<String> removed) {
        HnswIndex base = changes.index(info);
        boolean changed =
                upserts.count() > 0 || (base != null && (removed.stream().anyMatch(base::contains) || !base.isWhole()));
        var report = changed ? build(info, base, upserts, removed, true) : null;
        if (base != null && (report == null || report.extended())) {
            changes.keeps(info, base.nodeCount());
        }
    }

    private HnswBuilder.Report build(
            CollectionInfo info,
            @Nullable HnswIndex base,
            Upserts upserts,
            Collection<String> removed,
            boolean proven) {
        boolean classForm = workspace.level().metadb() < 5;
        var parameters = new HnswBuilder.Parameters(
                info.space(), requireNonNull(info.dimension()), info.m(), info.efConstruction(), classForm);
        Path folder = directory.resolve(info.vectorSegment());
        var report = HnswBuilder.build(base, beside(folder), parameters, upserts, removed, proven);
        replace(folder);
        return report;
    }

    private static Path beside(Path folder) {
        return folder.resolveSibling(folder.getFileName() + ".next");
    }

    /** Puts the new folder, if one was built, in the place of the old. */
    private static void replace(Path folder) {
        try {
            delete(folder);
            if (Files.exists(beside(folder))) {
                Files.move(beside(folder), folder);
            }
        } catch (IOException e) {
            throw FailureException.disk("replace the index in " + folder, e);
        }
    }

    /** Takes away what was built of a snapshot that will not be finished. */
    static void delete(Workspace workspace, Path directory) throws IOException {
        for (CollectionInfo info : workspace.collections().all()) {
            delete(directory.resolve(info.vectorSegment()));
        }
    }

    private static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }
}
