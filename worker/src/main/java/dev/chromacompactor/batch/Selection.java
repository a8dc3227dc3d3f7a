package dev.chromacompactor.batch;

import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.batch.Take.Fold;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Chooses what a version takes in, chunk by chunk, so that one that does not fit stops nobody else. Pure: the same
 * base and batches give the same choice.
 */
final class Selection {
    private static final Comparator<Fold> BY_STAMP = Comparator.comparing(
                    Selection::firstStamp, Comparator.nullsLast(Comparator.<InputStamp>naturalOrder()))
            .thenComparing(Fold::name);

    private final Base base;
    private final Lineage lineage;
    private final Set<ChunkName> revoked;
    private final Map<String, Standing> batches;

    private final String own;

    Selection(Base base, List<Standing> open, Standing own) {
        this.base = base;
        this.lineage = base.lineage();
        this.own = own.batch();
        this.revoked =
                lineage.revoked().chunks().stream().map(Lineage.Chunk::name).collect(Collectors.toSet());
        var byName = new LinkedHashMap<String, Standing>();
        open.forEach(standing -> byName.put(standing.batch(), standing.against(lineage)));
        byName.merge(own.batch(), own.against(lineage), (marked, mine) -> mine.openSince(marked.openSince()));
        this.batches = byName;
    }

    Take decide() {
        List<Standing> ready = batches.values().stream().filter(Standing::ready).toList();
        var candidates = new ArrayList<Fold>();
        ready.forEach(standing -> candidates.addAll(candidates(standing)));
        candidates.sort(BY_STAMP);
        Verdict verdict = judge(candidates);
        List<Excuse> excuses = excuses(ready, verdict);
        return new Take(
                Grouping.of(verdict.folds(), ready),
                excuses,
                verdict.refused(),
                inside(),
                closed(verdict),
                ready.stream().anyMatch(standing -> standing.batch().equals(own)));
    }

    /** Done, not inside, not revoked, and not refused before as the object it is now. */
    private List<Fold> candidates(Standing standing) {
        var done = new ArrayList<Fold>();
        for (Item item : standing.items()) {
            if (item.state() instanceof State.Done(String key, String etag, Receipt receipt)
                    && !revoked.contains(item.name())) {
                done.add(Fold.of(standing.batch(), item.name(), key, etag, receipt));
            }
        }
        if (standing.plan().policy() == Policy.HOLD) {
            return done.stream().allMatch(this::refusedBefore) ? List.of() : done;
        }
        return done.stream().filter(fold -> !refusedBefore(fold)).toList();
    }

    private boolean refusedBefore(Fold fold) {
        return lineage.excused().stream()
                .anyMatch(excuse -> excuse.chunk().equals(fold.name())
                        && excuse.input() == null
                        && fold.etag().equals(excuse.etag()));
    }

    private record Verdict(List<Fold> folds, List<Excuse> refused) {}

    /** In the order of stamps, since without a base the first one says what the others have to fit to. */
    private Verdict judge(List<Fold> candidates) {
        Map<String, Excuse> held = new HashMap<>();
        while (true) {
            var fit = new Fit(base);
            var folds = new ArrayList<Fold>();
            var refused = new ArrayList<Excuse>();
            int before = held.size();
            for (Fold fold : candidates) {
                Excuse culprit = held.get(fold.batch());
                if (culprit != null) {
                    refused.add(culprit.chunk().equals(fold.name()) ? culprit : withItsBatch(fold, culprit));
                    continue;
                }
                Optional<Excuse> misfit = fit.misfit(fold);
                if (misfit.isEmpty()) {
                    folds.add(fold);
                    refused.addAll(fit.oldInputs(fold));
                    fit.add(fold);
                } else if (holds(fold.batch())) {
                    held.put(fold.batch(), misfit.get());
                } else {
                    refused.add(misfit.get());
                }
            }
            for (Fold fold : folds) {
                // All or nothing: one delta that is too old refuses a batch on hold as well.
                if (holds(fold.batch())) {
                    fit.oldInputs(fold).stream().findFirst().ifPresent(old -> held.put(fold.batch(), whole(fold, old)));
                }
            }
            if (held.size() == before) {
                return new Verdict(folds, refused);
            }
        }
    }

    private boolean holds(String batch) {
        return Objects.requireNonNull(batches.get(batch)).plan().policy() == Policy.HOLD;
    }

    private static Excuse withItsBatch(Fold fold, Excuse culprit) {
        return Fit.excuse(
                fold,
                culprit.reason(),
                "batch " + fold.batch() + " is on hold and " + culprit.chunk() + " was refused: " + culprit.message());
    }

    private static Excuse whole(Fold fold, Excuse old) {
        return Fit.excuse(fold, old.reason(), old.message());
    }

    /** Old excuses that still hold, what failed, and what is refused now, one for each subject. */
    private List<Excuse> excuses(List<Standing> ready, Verdict verdict) {
        Set<ChunkName> taken = verdict.folds().stream().map(Fold::name).collect(Collectors.toSet());
        Set<ChunkName> inside = lineage.names();
        Map<List<String>, Excuse> bySubject = new LinkedHashMap<>();
        lineage.excused().stream()
                .filter(excuse -> excuse.input() != null || !inside.contains(excuse.chunk()))
                .filter(excuse -> !taken.contains(excuse.chunk()))
                .filter(excuse -> ready.stream().noneMatch(standing -> replacedItem(standing, excuse.chunk())))
                .forEach(excuse -> bySubject.put(subject(excuse), excuse));
        for (Standing standing : ready) {
            for (Item item : standing.failed()) {
                if (item.state() instanceof State.Failed(String reason, String message, String receipt)
                        && !revoked.contains(item.name())) {
                    var excuse = new Excuse(item.name(), null, reason, message, receipt, null, null);
                    Excuse before = bySubject.get(subject(excuse));
                    if (before == null || !before.reason().equals(reason)) {
                        bySubject.put(subject(excuse), excuse);
                    }
                }
            }
        }
        verdict.refused().forEach(excuse -> bySubject.put(subject(excuse), excuse));
        return List.copyOf(bySubject.values());
    }

    /** A failed item of a list that a later list turned into a key: nothing of that name is there any more. */
    private static boolean replacedItem(Standing standing, ChunkName name) {
        return name.text().startsWith(standing.batch() + "/item-")
                && standing.failed().stream().noneMatch(item -> item.name().equals(name));
    }

    private static List<String> subject(Excuse excuse) {
        return List.of(excuse.chunk().text(), Objects.requireNonNullElse(excuse.input(), ""));
    }

    private List<ChunkName> inside() {
        return batches.values().stream()
                .flatMap(standing -> standing.items().stream())
                .filter(item -> item.state() instanceof State.Inside)
                .map(Item::name)
                .toList();
    }

    private List<String> closed(Verdict verdict) {
        Set<String> folding = verdict.folds().stream().map(Fold::batch).collect(Collectors.toCollection(HashSet::new));
        return batches.values().stream()
                .filter(standing ->
                        standing.items().stream().allMatch(item -> !Take.pending(item) || revoked.contains(item.name()))
                                || (expired(standing) && !folding.contains(standing.batch())))
                .map(Standing::batch)
                .toList();
    }

    /** Every input of a batch was there before its marker was; if that is before the horizon, all would be refused. */
    private boolean expired(Standing standing) {
        return standing.openSince() != null && standing.openSince().toEpochMilli() < lineage.horizon();
    }

    private static @Nullable InputStamp firstStamp(Fold fold) {
        return fold.receipt() == null ? null : fold.receipt().first().orElse(null);
    }
}
