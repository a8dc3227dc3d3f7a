package dev.chromacompactor.upkeep;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.ObjectStore.ObjectInfo;
import dev.chromacompactor.telemetry.Keys;
import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.upkeep.Leftover.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds and takes away what batches leave in a bucket and nobody needs any more:
 *
 * <ul>
 *   <li>intermediates of chunks that have been in a live version for longer than a grace, since whoever publishes on an
 *       older base may still read them; and those older than the horizon whose batch is not open
 *   <li>receipts, plans and {@code swept.json} of batches that are closed, all of them older than the horizon: what they
 *       speak of would be refused as too old. {@code published.json} stays
 *   <li>attempt marks of messages that no queue can hold any more
 *   <li>uploads in parts begun more than a day ago
 * </ul>
 *
 * <p>Never deltas, never what an open batch needs, nothing of a database that is paused or contradicts itself, and no object
 * that is not named as ours are. Each goes by itself, a plan after its receipts: dying in between leaves the rest to the
 * next collection. An intermediate that is needed after all (its chunk was rolled back and released) is made again from its
 * deltas.
 *
 * <p>Listings are streamed; in memory are the names in the live lineages and the objects of one batch.
 */
public final class Leftovers {
    private static final Logger LOG = LoggerFactory.getLogger(Leftovers.class);

    /** As long as a message can live, in one queue and then in the other. */
    private static final Duration MESSAGE = Duration.ofDays(28);

    private static final Duration UPLOAD = Duration.ofDays(1);

    private static final String INTERMEDIATES = "intermediate/";
    private static final String BATCHES = "batches/";
    private static final String ATTEMPTS = "attempts/";

    private static final Pattern INTERMEDIATE =
            Pattern.compile("intermediate/[^/]+/(chunk-\\d+|merged)/chroma\\.sqlite3");
    private static final Pattern RECEIPT = Pattern.compile("batches/[^/]+/((chunk|group)-\\d+|swept)\\.json");
    private static final Pattern PLAN = Pattern.compile("batches/[^/]+/plan\\.json");
    private static final Pattern MARK = Pattern.compile("attempts/[^/]+/\\d+");

    /** S3 deletes no more in one call. */
    private static final int AT_ONCE = 1000;

    private final ObjectStore store;
    private final Duration grace;

    /** @param grace how long an intermediate stays after its chunk was published */
    public Leftovers(ObjectStore store, Duration grace) {
        this.store = store;
        this.grace = grace;
    }

    /**
     * What would go now. Deleting what was named does not disturb the search.
     *
     * @param databases whose things may go
     * @param untouched those of which nothing goes
     * @param goOn asked before each object: false ends it early
     */
    public void find(
            List<String> databases, Collection<String> untouched, BooleanSupplier goOn, Consumer<Leftover> each) {
        Instant now = store.now();
        var needed = Needed.of(store, databases, untouched, now.minus(grace));
        store.list(INTERMEDIATES, info -> {
            if (goOn.getAsBoolean() && intermediateMayGo(needed, info, now)) {
                each.accept(object(Kind.INTERMEDIATE, info));
            }
        });
        folders(BATCHES, goOn, batch -> receipts(needed, batch, now, each));
        folders(ATTEMPTS, goOn, marks -> {
            if (allBefore(marks, now.minus(MESSAGE))) {
                named(marks, MARK).forEach(mark -> each.accept(object(Kind.MARK, mark)));
            }
        });
        for (String prefix : needed.uploadedBelow(INTERMEDIATES)) {
            store.uploads(prefix, upload -> {
                if (goOn.getAsBoolean() && upload.begun().isBefore(now.minus(UPLOAD))) {
                    each.accept(new Leftover(Kind.UPLOAD, upload.key(), 0, upload));
                }
            });
        }
    }

    /**
     * How much of one kind.
     *
     * @param bytes 0 for uploads, whose parts are not listed
     */
    public record Total(String kind, long objects, long bytes) {}

    /** What would go now, added up; parameters as above. */
    public List<Total> total(List<String> databases, Collection<String> untouched) {
        var totals = new Totals();
        find(databases, untouched, () -> true, totals::add);
        return totals.list();
    }

    /** Finds it and takes it away; parameters as above. */
    public List<Total> collect(
            List<String> databases, Collection<String> untouched, BooleanSupplier goOn, Metrics metrics) {
        var totals = new Totals();
        try (var away = new Away(metrics)) {
            find(databases, untouched, goOn, leftover -> {
                totals.add(leftover);
                away.take(leftover);
            });
        }
        return totals.list();
    }

    private static final class Totals {
        private final Map<Kind, Total> byKind = new EnumMap<>(Kind.class);

        void add(Leftover one) {
            byKind.merge(
                    one.kind(),
                    new Total(one.kind().label(), 1, one.bytes()),
                    (a, b) -> new Total(a.kind(), a.objects() + b.objects(), a.bytes() + b.bytes()));
        }

        List<Total> list() {
            return List.copyOf(byKind.values());
        }
    }

    private boolean intermediateMayGo(Needed needed, ObjectInfo info, Instant now) {
        if (!INTERMEDIATE.matcher(info.key()).matches() || info.lastModified().isAfter(now.minus(grace))) {
            return false;
        }
        return unlessUnreadable(
                info.key(),
                () -> needed.inside(info)
                        || (info.lastModified().isBefore(now.minus(Lineage.HORIZON)) && !needed.stillWanted(info)));
    }

    private void receipts(Needed needed, List<ObjectInfo> batch, Instant now, Consumer<Leftover> each) {
        List<ObjectInfo> going = new ArrayList<>(named(batch, RECEIPT));
        going.addAll(named(batch, PLAN));
        if (going.isEmpty() || !allBefore(batch, now.minus(Lineage.HORIZON))) {
            return;
        }
        String name = folder(BATCHES, going.getFirst());
        if (unlessUnreadable(BATCHES + name, () -> needed.closed(name, going.getLast()))) {
            going.forEach(object -> each.accept(object(Kind.RECEIPT, object)));
        }
    }

    /** What contradicts itself is for a person to look at, and stays. */
    private static boolean unlessUnreadable(String what, BooleanSupplier mayGo) {
        try {
            return mayGo.getAsBoolean();
        } catch (FailureException e) {
            if (e.failure().blame() != Blame.INVARIANT) {
                throw e;
            }
            LOG.atWarn()
                    .addKeyValue(Keys.REASON, e.failure().reason())
                    .addKeyValue(Keys.MESSAGE, e.failure().message())
                    .log("{} not taken away, as it cannot be read", what);
            return false;
        }
    }

    /** Folder by folder, as the listing brings them. */
    private void folders(String prefix, BooleanSupplier goOn, Consumer<List<ObjectInfo>> each) {
        List<ObjectInfo> folder = new ArrayList<>();
        store.list(prefix, info -> {
            if (!folder.isEmpty() && !folder(prefix, folder.getFirst()).equals(folder(prefix, info))) {
                if (goOn.getAsBoolean()) {
                    each.accept(List.copyOf(folder));
                }
                folder.clear();
            }
            folder.add(info);
        });
        if (!folder.isEmpty() && goOn.getAsBoolean()) {
            each.accept(List.copyOf(folder));
        }
    }

    private static String folder(String prefix, ObjectInfo info) {
        int end = info.key().indexOf('/', prefix.length());
        return info.key().substring(prefix.length(), end < 0 ? info.key().length() : end);
    }

    private static List<ObjectInfo> named(List<ObjectInfo> objects, Pattern name) {
        return objects.stream()
                .filter(object -> name.matcher(object.key()).matches())
                .toList();
    }

    private static boolean allBefore(List<ObjectInfo> objects, Instant time) {
        return objects.stream().allMatch(object -> object.lastModified().isBefore(time));
    }

    private static Leftover object(Kind kind, ObjectInfo info) {
        return new Leftover(kind, info.key(), info.size(), null);
    }

    /** Takes away in the order in which it is told, many at once. */
    private final class Away implements AutoCloseable {
        private final Metrics metrics;
        private final List<Leftover> waiting = new ArrayList<>();

        Away(Metrics metrics) {
            this.metrics = metrics;
        }

        void take(Leftover leftover) {
            waiting.add(leftover);
            if (waiting.size() == AT_ONCE) {
                close();
            }
        }

        @Override
        public void close() {
            List<Leftover> now = List.copyOf(waiting);
            waiting.clear();
            store.delete(now.stream()
                    .filter(each -> each.upload() == null)
                    .map(Leftover::key)
                    .toList());
            now.forEach(each -> {
                if (each.upload() != null) {
                    store.abort(each.upload());
                }
            });
            for (Kind kind : Kind.values()) {
                List<Leftover> gone =
                        now.stream().filter(each -> each.kind() == kind).toList();
                if (!gone.isEmpty()) {
                    told(
                            kind,
                            gone.size(),
                            gone.stream().mapToLong(Leftover::bytes).sum());
                }
            }
        }

        private void told(Kind kind, int many, long bytes) {
            metrics.collected(kind.label(), many, bytes);
            LOG.atInfo()
                    .addKeyValue(Keys.SUBJECT, kind.label())
                    .log("took away {} leftovers of {} bytes together", many, bytes);
        }
    }
}
