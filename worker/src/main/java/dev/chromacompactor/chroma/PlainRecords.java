package dev.chromacompactor.chroma;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Those records of a delta's collection whose rows need not be understood, only copied: last written by the one row that the WAL
 * still has of their id, if any, an add or upsert that the tables have followed; without lists. These are nearly all. Their
 * vectors lie in the scratch. {@link PlainReader} has read all this, which takes no look at what it is folded into.
 *
 * <p>Copied are those that are new, and those that are newer than the record they replace and have all of its keys. What else is
 * known of an id has to be joined with them.
 */
final class PlainRecords {
    private final CollectionInfo source;
    private final long[] numbers;
    private final String[] ids;
    private final long[] places;
    private final long[] hashes;
    private final List<Exact> exact = new ArrayList<>();
    private Set<String> others = Set.of();
    private boolean doubtful;
    private int size;

    /** A double that the row that is copied does not hold exactly. */
    private record Exact(int record, String key, double value) {}

    /** @param most how many records there may be */
    PlainRecords(CollectionInfo source, int most) {
        this.source = source;
        this.numbers = new long[most];
        this.ids = new String[most];
        this.places = new long[most];
        this.hashes = new long[2 * most];
    }

    /**
     * One more, in the order of their numbers.
     *
     * @param number row of {@code embeddings}
     * @param place of its vector in the scratch
     * @param high first half of its hash, see {@link RecordDigest#end}
     */
    void add(long number, String id, long place, long high, long low) {
        numbers[size] = number;
        ids[size] = id;
        places[size] = place;
        hashes[2 * size] = high;
        hashes[2 * size + 1] = low;
        size++;
    }

    /** What the WAL says of the last one that was added. */
    void sharpen(String key, double value) {
        exact.add(new Exact(size - 1, key, value));
    }

    /**
     * Ends it.
     *
     * @param ids of the collection of which more must be known
     * @param anyDoubt whether there was anything that {@link Validation} has to look at
     */
    void leave(Set<String> ids, boolean anyDoubt) {
        others = ids;
        doubtful = anyDoubt;
    }

    boolean doubtful() {
        return doubtful;
    }

    /** @param rest ids of the collection that are left to be joined one by one */
    record Folded(Delta.Copied copied, Set<String> rest) {}

    /** The file of this collection is attached to the target's. */
    Folded into(Workspace target, CollectionInfo collection, Stamp stamp, Delta.Replaced each) {
        var known = new Known(target, source.metadataSegment(), collection);
        var rows = new CopiedRows(target);
        var digest = new RecordDigest();
        var added = new ArrayList<String>();
        var replaced = new ArrayList<String>();
        var rest = new LinkedHashSet<>(others);
        long[] taken = new long[size];
        for (int i = 0; i < size; i++) {
            long row = known.row(numbers[i], stamp);
            if (row == Known.JOINED) {
                rest.add(ids[i]);
                continue;
            } else if (row == Known.NEW) {
                row = rows.add(numbers[i]);
                added.add(ids[i]);
            } else {
                each.before(ids[i], row);
                rows.replace(numbers[i], row);
                replaced.add(ids[i]);
            }
            taken[i] = row;
            target.scratch().assign(row, places[i]);
            digest.plus(hashes[2 * i], hashes[2 * i + 1]);
        }
        rows.copy(collection, stamp);
        sharpen(target, taken);
        return new Folded(new Delta.Copied(added, replaced, digest), rest);
    }

    private void sharpen(Workspace target, long[] taken) {
        for (Exact one : exact) {
            if (taken[one.record()] != Known.JOINED) {
                target.database()
                        .update(
                                "UPDATE embedding_metadata SET float_value = ? WHERE id = ? AND key = ?",
                                one.value(),
                                taken[one.record()],
                                one.key());
            }
        }
    }
}
