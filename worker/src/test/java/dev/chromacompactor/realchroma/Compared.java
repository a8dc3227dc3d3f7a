package dev.chromacompactor.realchroma;

import static java.util.Objects.requireNonNull;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.CollectionInfo;
import dev.chromacompactor.chroma.Entry.Live;
import dev.chromacompactor.chroma.MetadataValue;
import dev.chromacompactor.chroma.Space;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Records as we read them against records as real Chroma returns them. */
final class Compared {
    /**
     * Chroma 1.x rounds a double on its way into the metadata table and again each time a client reads it and writes it back; we keep
     * what the producer wrote.
     */
    private static final int ULPS = 4;

    private static final int SHOWN = 10;

    private Compared() {}

    /** The live records of every collection, by name and id; the files are checked before. */
    static Map<String, Map<String, Live>> read(Path dir) {
        var found = new TreeMap<String, Map<String, Live>>();
        try (var database = ChromaDatabase.open(dir)) {
            for (CollectionInfo info : database.collections()) {
                var records = new TreeMap<String, Live>();
                database.entries(info, entry -> {
                    if (entry.live() != null && records.put(entry.id(), entry.live()) != null) {
                        throw new AssertionError("id twice: " + entry.id());
                    }
                });
                if (records.size() != database.records(info)) {
                    throw new AssertionError(
                            info.name() + ": " + records.size() + " entries, counted " + database.records(info));
                }
                found.put(info.name(), records);
            }
        }
        return found;
    }

    /** What is different between a directory and what Chroma says, one line each; empty if nothing is. */
    static List<String> differences(Path ours, Map<String, ChromaCollection> theirs) {
        var read = read(ours);
        var different = new ArrayList<String>();
        var names = new TreeSet<>(read.keySet());
        names.addAll(theirs.keySet());
        for (var name : names) {
            var here = read.get(name);
            var there = theirs.get(name);
            if (here == null || there == null) {
                different.add("collection " + name + (here == null ? " is missing" : " is not there in Chroma"));
            } else {
                for (var line : differences(here, there.records(), there.space())) {
                    different.add(name + ": " + line);
                }
            }
        }
        return different;
    }

    static List<String> differences(ChromaCollection ours, ChromaCollection theirs) {
        var read = new TreeMap<String, Live>();
        ours.records().forEach((id, record) -> read.put(id, record.live()));
        return differences(read, theirs.records(), theirs.space());
    }

    static List<String> differences(Map<String, Live> ours, Map<String, ChromaRecord> theirs, Space space) {
        var different = new ArrayList<String>();
        var ids = new TreeSet<>(ours.keySet());
        ids.addAll(theirs.keySet());
        for (var id : ids) {
            var here = ours.get(id);
            var there = theirs.get(id);
            if (here == null || there == null) {
                different.add(id + (here == null ? " is missing" : " should not be there"));
            } else {
                var line = difference(here, there.live(), space);
                if (line != null) {
                    different.add(id + ": " + line);
                }
            }
            if (different.size() == SHOWN) {
                different.add("…");
                break;
            }
        }
        return different;
    }

    private static @Nullable String difference(Live ours, Live theirs, Space space) {
        if (!Objects.equals(ours.document(), theirs.document())) {
            return "document " + ours.document() + " instead of " + theirs.document();
        }
        if (!ours.metadata().keySet().equals(theirs.metadata().keySet())
                || !ours.metadata().entrySet().stream()
                        .allMatch(field -> same(
                                field.getValue(),
                                requireNonNull(theirs.metadata().get(field.getKey()))))) {
            return "metadata " + ours.metadata() + " instead of " + theirs.metadata();
        }
        return same(ours.vector(), theirs.vector(), space) ? null : "another vector";
    }

    private static boolean same(MetadataValue ours, MetadataValue theirs) {
        if (ours instanceof MetadataValue.Real(var a) && theirs instanceof MetadataValue.Real(var b)) {
            return Double.compare(a, b) == 0 || (Double.isFinite(a) && Math.abs(a - b) <= ULPS * Math.ulp(b));
        }
        if (ours instanceof MetadataValue.Many(var a) && theirs instanceof MetadataValue.Many(var b)) {
            return a.size() == b.size() && IntStream.range(0, a.size()).allMatch(i -> same(a.get(i), b.get(i)));
        }
        return ours.equals(theirs);
    }

    /** Exact, but for cosine, where the index keeps the vector normalised and its length beside it. */
    private static boolean same(float[] ours, float[] theirs, Space space) {
        if (ours.length != theirs.length) {
            return false;
        }
        double norm = 0;
        for (float x : theirs) {
            norm += (double) x * x;
        }
        double tolerance = space == Space.COSINE ? 2e-6 * Math.sqrt(norm) : 0;
        for (int i = 0; i < ours.length; i++) {
            if (Float.compare(ours[i], theirs[i]) != 0 && !(Math.abs(ours[i] - theirs[i]) <= tolerance)) {
                return false;
            }
        }
        return true;
    }
}
