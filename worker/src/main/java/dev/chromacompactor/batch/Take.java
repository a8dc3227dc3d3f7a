package dev.chromacompactor.batch;

import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the next version takes in: the decision of a publisher who has read the pointer first and plans and receipts
 * after it. {@link Selection} makes it.
 *
 * @param folds to be joined into the base, in the order of their smallest stamp
 * @param excuses everything planned that will not be inside, old and new: the next manifest's
 * @param refused those of the excuses that are new and no failure of before: each wants a dead letter, sent before the
 *     commit, since a manifest that names one makes it old
 * @param inside chunks of the batches looked at that are published already
 * @param closed batches of which nothing can come any more: their markers go
 * @param ownReady whether the batch of the message may be published; if not, whoever settles it sends again
 */
public record Take(
        List<Fold> folds,
        List<Excuse> excuses,
        List<Excuse> refused,
        List<ChunkName> inside,
        List<String> closed,
        boolean ownReady) {
    public Take {
        folds = List.copyOf(folds);
        excuses = List.copyOf(excuses);
        refused = List.copyOf(refused);
        inside = List.copyOf(inside);
        closed = List.copyOf(closed);
    }

    /**
     * One intermediate to fold.
     *
     * @param key of its object
     * @param etag of that object; another one there means that it was made anew: process the chunk again
     * @param receipt null: what is inside is only known from inside
     * @param members the chunks that a planned group's output stands for; empty: it stands for itself
     */
    public record Fold(
            String batch,
            ChunkName name,
            String key,
            String etag,
            @Nullable Receipt receipt,
            List<Fold> members) {
        public Fold {
            members = List.copyOf(members);
        }

        static Fold of(String batch, ChunkName name, String key, String etag, @Nullable Receipt receipt) {
            return new Fold(batch, name, key, etag, receipt, List.of());
        }

        /** Whether this is several chunks that may be folded one by one as well. */
        public boolean grouped() {
            return !members.isEmpty();
        }

        private Stream<Fold> single() {
            return grouped() ? members.stream() : Stream.of(this);
        }
    }

    /**
     * The decision. Read in this order: pointer and manifest, then plans and receipts; a receipt that is newer than
     * the base does no harm, an older one would.
     *
     * @param open every open batch of the database
     * @param own the batch of the message as the message sees it, open or not
     */
    public static Take decide(Base base, List<Standing> open, Standing own) {
        return new Selection(base, open, own).decide();
    }

    /** The same without what turned out not to fit when it was read. */
    public Take without(Collection<Excuse> misfits) {
        if (misfits.isEmpty()) {
            return this;
        }
        Set<ChunkName> names = misfits.stream().map(Excuse::chunk).collect(Collectors.toSet());
        List<Excuse> all = new ArrayList<>(excuses);
        all.removeIf(excuse -> names.contains(excuse.chunk()));
        all.addAll(misfits);
        List<Fold> left = apart(fold -> fold.single().anyMatch(one -> names.contains(one.name()))).folds.stream()
                .filter(fold -> !names.contains(fold.name()))
                .toList();
        return new Take(left, all, refused, inside, closed, ownReady);
    }

    /** The same with the chunks of these groups one by one, as their outputs are of no use. */
    public Take apart(Predicate<Fold> useless) {
        List<Fold> left = folds.stream()
                .flatMap(fold -> useless.test(fold) ? fold.single() : Stream.of(fold))
                .toList();
        return new Take(left, excuses, refused, inside, closed, ownReady);
    }

    /** The chunks in these folds, each by itself. */
    public List<Fold> singles() {
        return folds.stream().flatMap(Fold::single).toList();
    }

    /** Nothing to fold: no new version, however many excuses there are. */
    public boolean nothing() {
        return folds.isEmpty();
    }

    /** Whether something of this batch is to be folded. */
    public boolean holds(String batch) {
        return folds.stream().anyMatch(fold -> fold.batch().equals(batch));
    }

    /**
     * The entries of these folds in the lineage of {@code version}. What a message had merged is in it with what that covers;
     * planned groups leave no trace, only their chunks do.
     */
    public List<Lineage.Chunk> chunks(String version) {
        var chunks = new ArrayList<Lineage.Chunk>();
        for (Fold fold : singles()) {
            chunks.add(new Lineage.Chunk(fold.name(), fold.key(), fold.etag(), version));
            if (fold.receipt() != null) {
                fold.receipt().covers().stream()
                        .filter(name -> !name.equals(fold.name()))
                        .forEach(name -> chunks.add(new Lineage.Chunk(name, null, null, version)));
            }
        }
        return chunks.stream().distinct().toList();
    }

    /** The deltas of these folds, but for those that are refused one by one. */
    public List<Lineage.Input> inputs(String version) {
        var inputs = new ArrayList<Lineage.Input>();
        for (Fold fold : singles()) {
            if (fold.receipt() == null) {
                continue;
            }
            for (Receipt.Input input : fold.receipt().inputs()) {
                if (input.identity() != null && input.millis() != null && !excused(fold.name(), input.key())) {
                    inputs.add(new Lineage.Input(
                            input.key(), input.identity(), input.millis(), input.position(), fold.name(), version));
                }
            }
        }
        return List.copyOf(inputs);
    }

    private boolean excused(ChunkName chunk, String input) {
        return excuses.stream()
                .anyMatch(excuse -> excuse.chunk().equals(chunk) && Objects.equals(excuse.input(), input));
    }

    /** Whether a batch among these has something that is not settled for good. */
    static boolean pending(Item item) {
        return switch (item.state()) {
            case State.Missing _, State.Failed _, State.Done _ -> true;
            case State.Empty _, State.Inside _ -> false;
        };
    }
}
