package dev.chromacompactor.chroma.hnsw;

import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
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
    private final Collection<String> removed;
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
        this.removed = removed;
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
        int gone = changes.gone().cardinality();
        int inserts = changes.inserts().length;
        int live = before - gone + inserts;
        int deleted = base == null ? 0 : base.deleted() + gone;
        boolean extend = base != null && (long) deleted * DELETED_SHARE <= (long) live + deleted;
        boolean extended = live > 0 && write(changes, extend, live, deleted);
        return new Report(
                live,
                extended ? deleted : 0,
                inserts - changes.updated(),
                changes.updated(),
                upserts.count() - inserts,
                gone - changes.updated(),
                extended);
    }

    /**
     * @param gone places of the base's ids whose node dies
     * @param inserts which upserts become nodes
     * @param updated how many of them replace a node of the base
     */
    private record Changes(BitSet gone, int[] inserts, int updated) {}

    private Changes changes() {
        if (base == null) {
            return new Changes(new BitSet(), IntStream.range(0, upserts.count()).toArray(), 0);
        }
        BitSet gone = new BitSet();
        removed.stream()
                .mapToInt(base.metadata()::place)
                .filter(place -> place >= 0)
                .forEach(gone::set);
        int[] inserts = new int[upserts.count()];
        int count = 0;
        int updated = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(4L * parameters.dimension(), 4);
            for (int i = 0; i < upserts.count(); i++) {
                int place = base.metadata().place(upserts.id(i));
                if (place >= 0 && isUnchanged(base, place, i, scratch)) {
                    gone.clear(place);
                    continue;
                }
                inserts[count++] = i;
                if (place >= 0) {
                    gone.set(place);
                    updated++;
                }
            }
        }
        return new Changes(gone, Arrays.copyOf(inserts, count), updated);
    }

    private boolean isUnchanged(HnswIndex index, int place, int i, MemorySegment scratch) {
        int node = index.node(place);
        upserts.read(i, scratch);
        float length = StoredForm.apply(upserts.id(i), scratch, parameters.space());
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
            boolean extended = extend && writeGraph(changes, base, live + deleted);
            if (!extended) {
                remove(false);
                writeGraph(changes, null, live);
            }
            IndexMetadata metadata = base == null ? IndexMetadata.none() : base.metadata();
            metadata.write(folder, parameters.dimension(), parameters.classForm(), changes.gone(), added(changes));
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

    private List<String> added(Changes changes) {
        return new AbstractList<>() {
            @Override
            public String get(int i) {
                return upserts.id(changes.inserts()[i]);
            }

            @Override
            public int size() {
                return changes.inserts().length;
            }
        };
    }

    /**
     * @param start whose graph to extend; null: a new one
     * @return whether it was done; not if that graph turned out to be one to build anew
     */
    private boolean writeGraph(Changes changes, @Nullable HnswIndex start, int nodes) throws IOException {
        Layout layout = base == null
                ? new Layout(parameters.m(), parameters.dimension())
                : base.header().layout();
        int ef = base == null ? parameters.efConstruction() : base.efConstruction();
        try (Graph graph = new Graph(folder, layout, parameters.space(), nodes, start)) {
            if (start == null) {
                new Fresh(graph, ef, tuning, folder).build(newcomers(changes, base, layout));
            } else {
                changes.gone().stream().map(start::node).forEach(graph::delete);
                Path known = proven ? start.folder() : null;
                if (!new Extension(graph, ef, tuning, folder, known).add(newcomers(changes, null, layout))) {
                    return false;
                }
            }
            graph.write(folder, ef);
        }
        return true;
    }

    /** @param from what stays of it becomes nodes of a new graph, stored forms bit for bit; or null */
    private Newcomers newcomers(Changes changes, @Nullable HnswIndex from, Layout layout) {
        int[] kept = from == null
                ? new int[0]
                : IntStream.range(0, from.size())
                        .filter(place -> !changes.gone().get(place))
                        .toArray();
        int[] inserts = changes.inserts();
        var newcomers = new Newcomers(kept.length + inserts.length, (k, into) -> {
            if (from == null || k >= kept.length) {
                int i = inserts[k - kept.length];
                upserts.read(i, into);
                return StoredForm.apply(upserts.id(i), into, parameters.space());
            }
            int node = from.node(kept[k]);
            MemorySegment.copy(from.data(), layout.vector(node), into, 0, into.byteSize());
            return from.lengths()[node];
        });
        for (int place : kept) {
            String id = Objects.requireNonNull(from).metadata().id(place);
            newcomers.add(from.metadata().label(place), level(id, layout));
        }
        int label = base == null ? 0 : base.metadata().lastLabel();
        for (int i : inserts) {
            newcomers.add(++label, level(upserts.id(i), layout));
        }
        return newcomers;
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
