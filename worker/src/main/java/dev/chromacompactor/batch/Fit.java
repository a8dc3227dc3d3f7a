package dev.chromacompactor.batch;

import dev.chromacompactor.batch.Take.Fold;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Manifest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the next version will look like so far, and whether one more chunk fits to it. */
final class Fit {
    private final Lineage lineage;
    private final Map<String, Manifest.Collection> collections = new HashMap<>();
    private Manifest.@Nullable Level level;

    Fit(Base base) {
        this.lineage = base.lineage();
        this.level = base.level();
        base.collections().forEach(collection -> collections.put(collection.name(), collection));
    }

    /** Why a chunk cannot be taken in, if it cannot. One without a receipt is judged when it is read. */
    Optional<Excuse> misfit(Fold fold) {
        Receipt receipt = fold.receipt();
        if (receipt == null) {
            return Optional.empty();
        }
        return rolledBack(fold, receipt)
                .or(() -> tooOld(fold, receipt))
                .or(() -> shape(fold, receipt))
                .or(() -> level(fold, receipt));
    }

    void add(Fold fold) {
        Receipt receipt = fold.receipt();
        if (receipt == null) {
            return;
        }
        if (level == null) {
            level = receipt.level();
        }
        for (Manifest.Collection collection : receipt.collections()) {
            collections.merge(collection.name(), collection, (old, now) -> old.dimension() == null ? now : old);
        }
    }

    /** The deltas of a chunk that come too late to be merged, if others of it do not. */
    List<Excuse> oldInputs(Fold fold) {
        Receipt receipt = fold.receipt();
        if (receipt == null) {
            return List.of();
        }
        return receipt.inputs().stream()
                .filter(this::old)
                .map(input -> new Excuse(
                        fold.name(),
                        input.key(),
                        Lineage.OLDER_THAN_HORIZON,
                        age(input),
                        receipt.key(),
                        fold.etag(),
                        null))
                .toList();
    }

    private Optional<Excuse> rolledBack(Fold fold, Receipt receipt) {
        return receipt.inputs().stream()
                .filter(input -> lineage.revoked().inputs().stream()
                        .anyMatch(gone -> gone.key().equals(input.key())
                                && gone.identity().equals(input.identity())))
                .findFirst()
                .map(input -> excuse(
                        fold,
                        "contains-rolled-back-input",
                        input.key() + " was rolled back; process the chunk again without it, or release it"));
    }

    private Optional<Excuse> tooOld(Fold fold, Receipt receipt) {
        boolean nothingLeft = receipt.inputs().stream().allMatch(input -> old(input) || inside(input));
        return nothingLeft
                ? receipt.inputs().stream()
                        .filter(this::old)
                        .findFirst()
                        .map(input -> excuse(fold, Lineage.OLDER_THAN_HORIZON, age(input)))
                : Optional.empty();
    }

    private Optional<Excuse> shape(Fold fold, Receipt receipt) {
        for (Manifest.Collection mine : receipt.collections()) {
            Manifest.Collection there = collections.get(mine.name());
            if (there == null) {
                continue;
            }
            if (there.dimension() != null
                    && mine.dimension() != null
                    && !there.dimension().equals(mine.dimension())) {
                return Optional.of(excuse(
                        fold,
                        "dimension-mismatch",
                        "collection " + mine.name() + " has dimension " + there.dimension() + ", " + fold.key()
                                + " brings " + mine.dimension()));
            }
            if (!there.space().equals(mine.space())) {
                return Optional.of(excuse(
                        fold,
                        "space-mismatch",
                        "collection " + mine.name() + " has space " + there.space() + ", " + fold.key() + " brings "
                                + mine.space()));
            }
        }
        return Optional.empty();
    }

    private Optional<Excuse> level(Fold fold, Receipt receipt) {
        return receipt.lists() && level != null && !level.listsAllowed()
                ? Optional.of(excuse(
                        fold,
                        "schema-level-too-low",
                        fold.key() + " holds a list as a metadata value; the snapshot is at level metadb "
                                + level.metadb() + ", lists need 6"))
                : Optional.empty();
    }

    private boolean old(Receipt.Input input) {
        return input.millis() != null && input.millis() < lineage.horizon() && !inside(input);
    }

    private boolean inside(Receipt.Input input) {
        return input.identity() != null && lineage.holdsInput(input.key(), input.identity());
    }

    private String age(Receipt.Input input) {
        return input.key() + " is stamped " + input.millis() + ", before the horizon " + lineage.horizon();
    }

    static Excuse excuse(Fold fold, String reason, String message) {
        String receipt = fold.receipt() == null
                ? null
                : Objects.requireNonNull(fold.receipt()).key();
        return new Excuse(fold.name(), null, reason, message, receipt, fold.etag(), null);
    }
}
