package dev.chromacompactor.question;

import dev.chromacompactor.batch.FanIn;
import dev.chromacompactor.batch.OpenBatches;
import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.batch.Plans;
import dev.chromacompactor.batch.Receipt;
import dev.chromacompactor.batch.Receipts;
import dev.chromacompactor.batch.Standing;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.Transfers;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The batches of a database that have to do with one delta. */
final class DeltaBatches {
    /** Plans that history is looked for in; ids that begin with a time come last. */
    private static final int MOST_PLANS = 1000;

    private final ObjectStore store;
    private final String database;
    private final Lineage lineage;
    private final String key;
    private final Map<String, Optional<Plan>> plans = new HashMap<>();

    DeltaBatches(ObjectStore store, String database, Lineage lineage, String key) {
        this.store = store;
        this.database = database;
        this.lineage = lineage;
        this.key = key;
    }

    /** A chunk that has the delta in it. */
    record Place(String batch, ChunkName chunk, State state) {
        String words() {
            return switch (state) {
                case State.Missing _ -> "has neither result nor failure yet";
                case State.Failed(String reason, String message, String _) -> "failed: " + reason + ": " + message;
                case State.Empty _ -> "held nothing";
                case State.Inside _ -> "is inside";
                case State.Done _ -> "is folded and waits to be taken in";
            };
        }
    }

    /** In an open batch, and neither inside nor given up. */
    Optional<Place> waiting() {
        return new OpenBatches(store, database)
                .list().stream()
                        .map(OpenBatches.Marker::batch)
                        .flatMap(this::places)
                        .filter(this::mayStillCome)
                        .findFirst();
    }

    private boolean mayStillCome(Place place) {
        Optional<Excuse> excuse = lineage.excused().stream()
                .filter(each -> each.chunk().equals(place.chunk()) && each.input() == null)
                .findFirst();
        return switch (place.state()) {
            case State.Missing _ -> true;
            case State.Failed _ -> excuse.isEmpty();
            case State.Done(String _, String etag, Receipt _) ->
                excuse.isEmpty() || !etag.equals(excuse.get().etag());
            case State.Empty _, State.Inside _ -> false;
        };
    }

    /** Why the live version does without it, if it says so: for the delta itself, or for the chunk that has it. */
    Optional<Excuse> excuse() {
        return lineage.excused().stream()
                .filter(excuse -> excuse.input() == null
                        ? holds(excuse.chunk())
                        : excuse.input().equals(key))
                .reduce((_, last) -> last);
    }

    /** Chunks of batches that are closed, as far as their plans are still there. */
    List<Place> history() {
        List<String> folders = store.folders("batches/");
        List<String> batches = folders.subList(Math.max(0, folders.size() - MOST_PLANS), folders.size()).stream()
                .map(folder -> folder.substring(0, folder.length() - 1))
                .toList();
        var reader = new Plans(store);
        return Transfers.each(batches, reader::read).stream()
                .flatMap(Optional::stream)
                .filter(plan -> plan.database().equals(database)
                        && plan.parts().stream().anyMatch(this::names))
                .flatMap(plan -> places(plan.batch()))
                .toList();
    }

    private Stream<Place> places(String batch) {
        Optional<Plan> plan = plan(batch).filter(each -> each.database().equals(database));
        if (plan.isEmpty() || plan.get().parts().stream().noneMatch(this::mayHold)) {
            return Stream.empty();
        }
        Standing standing = new FanIn(store).look(plan.get()).against(lineage);
        return standing.items().stream().filter(this::holds).map(item -> new Place(batch, item.name(), item.state()));
    }

    private boolean names(Plan.Part part) {
        return part instanceof Plan.Part.Deltas(int _, List<Plan.Delta> deltas)
                && deltas.stream().anyMatch(delta -> delta.key().equals(key));
    }

    /** Of a chunk that the plan does not know in detail only its receipt tells. */
    private boolean mayHold(Plan.Part part) {
        return names(part) || part instanceof Plan.Part.Chunk || part instanceof Plan.Part.Elsewhere;
    }

    private boolean holds(Item item) {
        return names(item.part())
                || (item.state() instanceof State.Done(String _, String _, Receipt receipt)
                        && receipt != null
                        && reads(receipt));
    }

    private boolean holds(ChunkName chunk) {
        int slash = chunk.text().lastIndexOf('/');
        String index = chunk.text().substring(slash + 1);
        if (slash < 0 || !index.matches("\\d{1,9}")) {
            return false;
        }
        int number = Integer.parseInt(index);
        String batch = batchOf(chunk);
        return plan(batch).stream()
                        .flatMap(plan -> plan.deltas(number).stream())
                        .anyMatch(delta -> delta.key().equals(key))
                || new Receipts(store).chunk(batch, number).filter(this::reads).isPresent();
    }

    private boolean reads(Receipt receipt) {
        return receipt.inputs().stream().anyMatch(input -> input.key().equals(key));
    }

    private Optional<Plan> plan(String batch) {
        return plans.computeIfAbsent(batch, new Plans(store)::read);
    }

    static String batchOf(ChunkName chunk) {
        int slash = chunk.text().lastIndexOf('/');
        return slash < 0 ? chunk.text() : chunk.text().substring(0, slash);
    }
}
