package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the five files of a vector index: the base's graph with vectors put in and taken out, or a new graph.
 *
 * <p>An id that gets another vector is a deleted node and a new one with a new label; one that gets the vector it has
 * keeps its node. Where more than a fifth of all nodes would be deleted ones, or equal vectors of the base link to
 * nothing but each other, the graph is built anew from the live vectors, with the labels they have. The same input
 * gives the same files on machines with the same vector registers.
 *
 * <p>Of what it wrote nothing is read again: the caller proves it. The pickle, without which Chroma sees no index, is written last; if the
 * building fails nothing is left behind.
 */
public final class HnswBuilder {
    /** Of all nodes, as a fraction 1 / this. */
    private static final int DELETED_SHARE = 5;

    private static final List<String> FILES = List.of(
            IndexFiles.METADATA,
            Header.FILE,
            IndexFiles.DATA,
            IndexFiles.LENGTHS,
            IndexFiles.LINKS,
            Sidecar.TABLE,
            Sidecar.SKETCH);

    private static final Logger LOG = LoggerFactory.getLogger(HnswBuilder.class);

    private final @Nullable HnswIndex base;
    private final Path folder;
    private final Parameters parameters;
    private final VectorSource upserts;
    private final Set<String> removed;
    private final Fresh.Tuning tuning;
    private final boolean proven;

    /**
     * @param m of a new index; that of a base stays
     * @param efConstruction likewise
     * @param classForm whether the pickle has the form that chromadb before 1.0 reads
     */
    public record Parameters(Space space, int dimension, int m, int efConstruction, boolean classForm) {
        public Parameters {
            if (dimension < 1 || m < 2 || m > Layout.MAX_M || efConstruction < 1) {
                throw FailureException.input(
                        "index-parameters-invalid",
                        "indexing: dimension " + dimension + ", M " + m + ", ef_construction " + efConstruction);
            }
        }
    }

    /**
     * What was done.
     *
     * @param live ids in the index; 0: no folder was written, since Chroma takes an index without ids for none
     * @param deleted nodes that only keep the graph together
     * @param added ids that the base did not have
     * @param updated ids that got another vector than the base's
     * @param unchanged ids that came with the vector they had
     * @param removed ids of the base that are gone
     * @param extended whether the base's graph was extended
     */
    public record Report(int live, int deleted, int added, int updated, int unchanged, int removed, boolean extended) {}

    private HnswBuilder(
            @Nullable HnswIndex base,
            Path folder,
            Parameters parameters,
            VectorSource upserts,
            Collection<String> removed,
            Fresh.Tuning tuning,
            boolean proven) {
        this.base = base;
        this.folder = folder;
        this.parameters = parameters;
        this.upserts = upserts;
        this.removed = new HashSet<>(removed);
        this.tuning = tuning;
        this.proven = proven;
    }

    /**
     * Builds an index.
     *
     * @param base what to start from, open, not closed here, found whole by {@link HnswIndex#check()}; if its graph is extended, its data file and
     *     sidecar are used up, and nothing else of it can be used afterwards. Null: nothing
     * @param folder where the files go; made if it is not there, must not hold an index; not the base's
     * @param upserts vectors that are new or replace the base's
     * @param removed ids to be taken out, unless they are among the upserts; ids the base does not have are ignored
     * @param proven whether base and sidecar are known to be what an earlier build left
     * @throws FailureException INPUT {@code dimension-mismatch}, {@code vector-not-finite}; NODE {@code disk-failed}, {@code interrupted}
     */
    public static Report build(
            @Nullable HnswIndex base,
            Path folder,
            Parameters parameters,
            VectorSource upserts,
            Collection<String> removed,
            boolean proven) {
        return build(base, folder, parameters, upserts, removed, Fresh.Tuning.standard(), proven);
    }

    /**
     * Says that an index of vectors will be built: what many take long to get ready for begins, on another thread.
     *
     * @param vectors that are known of so far
     * @param base whether they go into one
     */
    public static void expect(long vectors, boolean base) {
        var tuning = Fresh.Tuning.standard();
        if (vectors >= (base ? tuning.growFrom() : tuning.batchFrom())) {
            Kernels.warmBeside();
        }
    }

    static Report build(
            @Nullable HnswIndex base,
            Path folder,
            Parameters parameters,
            VectorSource upserts,
            Collection<String> removed,
            Fresh.Tuning tuning,
            boolean proven) {
        if (base != null && base.space() != parameters.space()) {
            throw new IllegalArgumentException(base.folder() + " is " + base.space() + ", not " + parameters.space());
        }
        if (base != null && base.dimension() != parameters.dimension()) {
            throw FailureException.input(
                    "dimension-mismatch",
                    "extending the index in " + base.folder() + ": it has dimension " + base.dimension()
                            + ", the collection " + parameters.dimension());
        }
        return new HnswBuilder(base, folder, parameters, upserts, removed, tuning, proven).run();
    }

    private Report run() {
        Changes changes = changes();
        int before = base == null ? 0 : base.size();
        int live = before - changes.gone().size() + changes.inserts().size();
        int deleted = base == null ? 0 : base.deleted() + changes.gone().size();
        boolean extend = base != null && (long) deleted * DELETED_SHARE <= (long) live + deleted;
        boolean extended = live > 0 && write(changes, extend, live, deleted);
        int updated = changes.updated();
        return new Report(
                live,
                extended ? deleted : 0,
                changes.inserts().size() - updated,
                updated,
                upserts.count() - changes.inserts().size(),
                changes.gone().size() - updated,
                extended);
    }

    /**
     * @param gone ids of the base whose node dies, in the order of their nodes
     * @param inserts which upserts become nodes
     * @param updated how many of them replace a node of the base
     */
    private record Changes(List<String> gone, List<Integer> inserts, int updated) {}

    private Changes changes() {
        Set<String> seen = HashSet.newHashSet(upserts.count());
        Set<String> gone = new HashSet<>(removed);
        List<Integer> inserts = new ArrayList<>();
        int updated = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(4L * parameters.dimension(), 4);
            for (int i = 0; i < upserts.count(); i++) {
                String id = upserts.id(i);
                if (!seen.add(id)) {
                    throw new IllegalArgumentException("put into the index twice: " + id);
                }
                boolean known = base != null && base.contains(id);
                if (base != null && known && isUnchanged(base, i, scratch)) {
                    gone.remove(id);
                } else {
                    inserts.add(i);
                    gone.add(id);
                    updated += known ? 1 : 0;
                }
            }
        }
        List<String> died = new ArrayList<>();
        if (base != null) {
            gone.stream()
                    .filter(base::contains)
                    .sorted(Comparator.comparing(base.nodes()::get))
                    .forEach(died::add);
        }
        return new Changes(died, inserts, updated);
    }

    private boolean isUnchanged(HnswIndex index, int i, MemorySegment scratch) {
        String id = upserts.id(i);
        Integer node = index.nodes().get(id);
        if (node == null) {
            return false;
        }
        upserts.read(i, scratch);
        float length = StoredForm.apply(id, scratch, parameters.space());
        long at = index.header().layout().vector(node);
        return MemorySegment.mismatch(scratch, 0, scratch.byteSize(), index.data(), at, at + scratch.byteSize()) < 0
                && (parameters.space() != Space.COSINE || index.lengths()[node] == length);
    }

    /** Returns whether the base's graph was extended. */
    private boolean write(Changes changes, boolean extend, int live, int deleted) {
        if (FILES.stream().anyMatch(file -> Files.exists(folder.resolve(file)))) {
            throw new IllegalArgumentException("there is an index in " + folder);
        }
        boolean made = !Files.exists(folder);
        boolean done = false;
        try {
            Files.createDirectories(folder);
            IndexMetadata metadata = extend ? writeGraph(changes, base, live + deleted) : null;
            boolean extended = metadata != null;
            if (metadata == null) {
                remove(false);
                metadata = Objects.requireNonNull(writeGraph(changes, null, live));
            }
            metadata.write(folder, parameters.dimension(), parameters.classForm());
            done = true;
            return extended;
        } catch (IOException e) {
            throw FailureException.disk("writing the index in " + folder, e);
        } finally {
            if (!done) {
                remove(made);
            }
        }
    }

    /**
     * @param start whose graph to extend; null: a new one
     * @return null if that graph turned out to be one to build anew
     */
    private @Nullable IndexMetadata writeGraph(Changes changes, @Nullable HnswIndex start, int nodes)
            throws IOException {
        Layout layout = base == null
                ? new Layout(parameters.m(), parameters.dimension())
                : base.header().layout();
        int ef = base == null ? parameters.efConstruction() : base.efConstruction();
        IndexMetadata kept =
                base == null ? IndexMetadata.none() : base.metadata().without(new HashSet<>(changes.gone()));
        List<Fresh.Entry> entries = new ArrayList<>();
        if (base != null && start == null) {
            addKept(base, kept, entries);
        }
        IndexMetadata metadata =
                kept.with(changes.inserts().stream().map(upserts::id).toList());
        int label = kept.lastLabel();
        for (int i : changes.inserts()) {
            String id = upserts.id(i);
            entries.add(new Fresh.Entry(++label, level(id, layout), into -> {
                upserts.read(i, into);
                return StoredForm.apply(id, into, parameters.space());
            }));
        }
        try (Graph graph = new Graph(folder, layout, parameters.space(), nodes, start)) {
            if (start == null) {
                new Fresh(graph, ef, tuning, folder).build(entries);
            } else {
                changes.gone().forEach(id -> graph.delete(node(start, id)));
                Path known = proven ? start.folder() : null;
                if (!new Extension(graph, ef, tuning, folder, known).add(entries)) {
                    return null;
                }
            }
            graph.write(folder, ef);
        }
        return metadata;
    }

    /** What stays of the base becomes nodes of a new graph, stored forms bit for bit. */
    private static void addKept(HnswIndex from, IndexMetadata kept, List<Fresh.Entry> entries) {
        Layout layout = from.header().layout();
        for (int i = 0; i < kept.ids().length; i++) {
            String id = kept.ids()[i];
            int old = node(from, id);
            entries.add(new Fresh.Entry(kept.labels()[i], level(id, layout), into -> {
                MemorySegment.copy(from.data(), layout.vector(old), into, 0, into.byteSize());
                return from.lengths()[old];
            }));
        }
    }

    private static int node(HnswIndex index, String id) {
        Integer node = index.nodes().get(id);
        if (node == null) {
            throw new IllegalStateException("not in " + index.folder() + ": " + id);
        }
        return node;
    }

    /** Drawn from the id instead of a generator, so that it depends on nothing else. */
    private static int level(String id, Layout layout) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < id.length(); i++) {
            hash = (hash ^ id.charAt(i)) * 0x100000001b3L;
        }
        hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
        hash ^= hash >>> 33;
        double uniform = ((hash >>> 11) + 1) * 0x1p-53;
        return (int) Math.min(Layout.MAX_LEVEL, -Math.log(uniform) * layout.levelFactor());
    }

    private void remove(boolean folderToo) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try {
            for (String file : FILES) {
                Files.deleteIfExists(folder.resolve(file));
            }
            if (folderToo) {
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            LOG.atWarn().setCause(e).addKeyValue("folder", folder).log("half-written index left behind");
        }
    }
}
