package dev.chromacompactor.control;

import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Sender;
import dev.chromacompactor.message.StageMessages;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.CommitOutcome;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Publisher;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Lets chunks back in that a rollback took out: a new version with the content of the live one, in which they are no longer
 * revoked; then their batches are opened again and their publish is asked for. A chunk whose intermediate was collected
 * since is processed again first.
 *
 * <p>Asked for again, after a crash or for good measure, it sends again what is still not inside.
 */
public final class Release {
    /** Each costs a copy inside the store. */
    private static final int MOST_ROUNDS = 5;

    private static final String REFUSED = "contains-rolled-back-input";

    private final ObjectStore store;
    private final SnapshotCatalog catalog;
    private final Publisher publisher;
    private final Receipts receipts;
    private final Plans plans;
    private final Sender sender;
    private final String database;
    private final String build;

    /**
     * @param build what the manifest names as its maker
     * @param sender of the work queue
     */
    public Release(ObjectStore store, String database, String build, Sender sender) {
        this.store = store;
        this.catalog = new SnapshotCatalog(store, database);
        this.publisher = new Publisher(store, database);
        this.receipts = new Receipts(store);
        this.plans = new Plans(store);
        this.sender = sender;
        this.database = database;
        this.build = build;
    }

    /**
     * @param version in which they are not revoked any more; null if none of them was
     * @param inside of the chunks, those that are published already
     * @param batches whose publish was asked for
     * @param again chunks that are processed again first, since their intermediates are gone
     * @param unsent chunks for which nothing could be sent: no plan and no receipt says what to do
     */
    public record Released(
            @Nullable String version,
            List<ChunkName> inside,
            List<String> batches,
            List<ChunkName> again,
            List<ChunkName> unsent) {}

    /**
     * @throws FailureException {@code INPUT}: {@code chunk-unknown} if one is neither revoked nor known at all, before
     *     anything is written; {@code version-foreign}, {@code nothing-published}; {@code CONFLICT pointer-contended} if
     *     others publish faster
     */
    public Released run(Collection<ChunkName> chunks) {
        var names = new LinkedHashSet<>(chunks);
        chunks.forEach(name -> receipt(name).ifPresent(receipt -> names.addAll(receipt.covers())));
        requireKnown(chunks);
        String version = null;
        Live.Ours base = live();
        for (int round = 0; revokes(base.manifest(), names); round++) {
            if (round == MOST_ROUNDS) {
                throw new FailureException(
                        Blame.CONFLICT,
                        "pointer-contended",
                        "release chunks of " + database + ": the pointer moved in each of " + MOST_ROUNDS + " rounds");
            }
            Manifest mine = without(base, names);
            publisher.copy(base.version(), mine);
            if (publisher.commit(base, mine) instanceof CommitOutcome.Committed) {
                version = mine.version();
            }
            base = live();
        }
        return ask(chunks, base.lineage(), version);
    }

    private void requireKnown(Collection<ChunkName> chunks) {
        Lineage lineage = live().lineage();
        Set<ChunkName> known = lineage.names();
        lineage.revoked().chunks().forEach(chunk -> known.add(chunk.name()));
        for (ChunkName name : chunks) {
            boolean planned = name.batch().flatMap(plans::read).isPresent();
            if (!known.contains(name) && !planned && receipt(name).isEmpty()) {
                throw FailureException.input(
                        "chunk-unknown",
                        "release " + name
                                + ": it is not revoked, and neither plan nor receipt knows it; see snapshot show");
            }
        }
    }

    private static boolean revokes(Manifest live, Set<ChunkName> names) {
        return live.lineage().revoked().chunks().stream().anyMatch(chunk -> names.contains(chunk.name()));
    }

    private Live.Ours live() {
        return switch (catalog.live()) {
            case Live.Ours ours -> ours;
            case Live.Foreign foreign ->
                throw FailureException.input(
                        "version-foreign",
                        "release chunks of " + database + ": the live version " + foreign.version()
                                + " was made by another writer and revokes nothing");
            case Live.None _ ->
                throw FailureException.input(
                        "nothing-published", "release chunks of " + database + ": nothing was published yet");
        };
    }

    private Manifest without(Live.Ours base, Set<ChunkName> names) {
        Lineage lineage = base.lineage();
        Set<List<String>> brought = new HashSet<>();
        names.forEach(name -> receipt(name).ifPresent(receipt -> brought.addAll(identities(receipt))));
        Lineage released = lineage.releasing(names, brought, List.of());
        List<Excuse> settled = lineage.excused().stream()
                .filter(excuse -> excuse.reason().equals(REFUSED) && holdsNoneOf(released, excuse))
                .toList();
        return new Manifest(
                Manifest.FORMAT,
                database,
                publisher.freshVersion(base),
                base.seq() + 1,
                base.version(),
                null,
                base.manifest().contents().copied(),
                lineage.releasing(names, brought, settled),
                Map.of(),
                build);
    }

    /** Whether what was refused for its inputs would not be now. */
    private boolean holdsNoneOf(Lineage released, Excuse excuse) {
        Set<List<String>> out = released.revoked().inputs().stream()
                .map(input -> List.of(input.key(), input.identity()))
                .collect(Collectors.toSet());
        return receipt(excuse.chunk())
                .map(receipt -> identities(receipt).stream().noneMatch(out::contains))
                .orElse(false);
    }

    private static Set<List<String>> identities(Receipt receipt) {
        return receipt.inputs().stream()
                .filter(input -> input.identity() != null)
                .map(input -> List.of(input.key(), String.valueOf(input.identity())))
                .collect(Collectors.toSet());
    }

    private Optional<Receipt> receipt(ChunkName name) {
        return name.intermediate().isPresent()
                ? receipts.ofIntermediate(name.intermediate().get())
                : name.batch().flatMap(batch -> name.index().flatMap(index -> receipts.chunk(batch, index)));
    }

    private Released ask(Collection<ChunkName> chunks, Lineage live, @Nullable String version) {
        var inside = new ArrayList<ChunkName>();
        var again = new ArrayList<ChunkName>();
        var unsent = new ArrayList<ChunkName>();
        var bodies = new ArrayList<String>();
        var batches = new LinkedHashSet<String>();
        var waiting = new HashSet<String>();
        for (ChunkName name : new LinkedHashSet<>(chunks)) {
            Optional<String> batch = name.batch().or(() -> listing(name));
            if (live.holds(name)) {
                inside.add(name);
            } else if (isThere(name) && batch.isPresent()) {
                batches.add(batch.get());
            } else {
                message(name)
                        .ifPresentOrElse(
                                body -> {
                                    again.add(name);
                                    bodies.add(body);
                                    batch.ifPresent(waiting::add);
                                },
                                () -> unsent.add(name));
            }
        }
        // Who processes the last chunk again asks for the publish; before that it would find an intermediate gone.
        batches.removeAll(waiting);
        batches.forEach(batch -> {
            new OpenBatches(store, database).open(batch);
            bodies.add(StageMessages.finalMerge(batch, database));
        });
        sender.send(bodies);
        return new Released(version, inside, List.copyOf(batches), again, unsent);
    }

    private boolean isThere(ChunkName name) {
        if (name.intermediate().isPresent()) {
            return store.head(name.intermediate().get() + "chroma.sqlite3").isPresent();
        }
        return receipt(name)
                .map(Receipt::intermediate)
                .filter(receipts::isThere)
                .isPresent();
    }

    /** From the receipt; without one from the plan, which the chunk is then processed by. */
    private Optional<String> message(ChunkName name) {
        return receipt(name)
                .flatMap(receipt -> ChunkAgain.message(store, receipt))
                .or(() -> name.batch()
                        .flatMap(batch -> name.index()
                                .filter(index -> plans.read(batch)
                                        .filter(plan -> !plan.deltas(index).isEmpty())
                                        .isPresent())
                                .map(index -> StageMessages.processChunk(batch, index, database))));
    }

    /** The batch whose list names an intermediate that is no chunk of it. Looks through all plans: it is a rare question. */
    private Optional<String> listing(ChunkName name) {
        return name.intermediate()
                .flatMap(key -> store.folders("batches/").stream()
                        .map(folder -> folder.substring(0, folder.length() - 1))
                        .filter(batch -> plans.read(batch)
                                .filter(plan -> plan.database().equals(database)
                                        && plan.parts().contains(new Plan.Part.Elsewhere(key)))
                                .isPresent())
                        .findFirst());
    }
}
