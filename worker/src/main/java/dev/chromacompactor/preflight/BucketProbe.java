package dev.chromacompactor.preflight;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.chromacompactor.batch.Databases;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.preflight.Answer.None;
import dev.chromacompactor.preflight.BucketFacts.Conditions;
import dev.chromacompactor.store.LifecycleRule;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.PutOutcome;
import dev.chromacompactor.store.Transfers;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Asks a bucket. It writes keys of its own below {@code control/probe/}, and takes them away again. */
final class BucketProbe {
    static final String FOLDER = "control/probe/";

    private static final int WRITERS = 8;
    /** Probes of a worker that was killed meanwhile. */
    private static final Duration FORGOTTEN = Duration.ofHours(1);

    private final ObjectStore store;
    private final Supplier<List<LifecycleRule>> lifecycle;
    private final InstantSource clock;
    private final int rounds;

    private final String own = FOLDER + UUID.randomUUID() + "/";
    private final List<String> written = new ArrayList<>();

    /** @param rounds of writers that race, create-only and over an ETag each */
    BucketProbe(ObjectStore store, Supplier<List<LifecycleRule>> lifecycle, InstantSource clock, int rounds) {
        this.store = store;
        this.lifecycle = lifecycle;
        this.clock = clock;
        this.rounds = rounds;
    }

    BucketFacts ask() {
        Answer<Integer> listing = Answer.of(this::listing);
        if (listing instanceof None<Integer> none
                && (none.isDown() || none.why().reason().equals("s3-bucket-missing"))) {
            // Whatever else is asked would wait for the same answer.
            return new BucketFacts(
                    store.bucket(),
                    listing,
                    none.instead(),
                    none.instead(),
                    none.instead(),
                    none.instead(),
                    none.instead(),
                    none.instead());
        }
        Answer<Boolean> reading = Answer.of(() -> store.read(own + "nothing").isEmpty());
        Answer<Conditions> conditions = Answer.of(this::conditions);
        return new BucketFacts(
                store.bucket(),
                listing,
                reading,
                conditions,
                Answer.of(this::deleting),
                Answer.of(this::skew),
                Answer.of(lifecycle),
                Answer.of(() -> Databases.in(store)));
    }

    private int listing() {
        Instant old = clock.instant().minus(FORGOTTEN);
        var probes = store.list(FOLDER);
        probes.stream().filter(probe -> probe.lastModified().isBefore(old)).forEach(probe -> written.add(probe.key()));
        return probes.size();
    }

    private Conditions conditions() {
        String key = own + "condition";
        written.add(key);
        String first = etag(store.putIfAbsent(key, bytes("1")), key);
        boolean createdTwice = won(store.putIfAbsent(key, bytes("2")));
        String now = createdTwice ? head(key) : first;
        String second = etag(store.putIfMatch(key, bytes("3"), now), key);
        boolean replacedStale = won(store.putIfMatch(key, bytes("4"), first));
        byte[] last = bytes(replacedStale ? "4" : "3");
        boolean readsBack = store.read(key)
                .map(content -> Arrays.equals(content.bytes(), last)
                        && (replacedStale || content.info().etag().equals(second)))
                .orElse(false);
        String missing = own + "missing";
        written.add(missing);
        boolean replacedMissing = won(store.putIfMatch(missing, bytes("5"), second));
        // Who ignores a condition loses every race too.
        List<Integer> winners = createdTwice || replacedStale ? List.of() : race();
        return new Conditions(createdTwice, replacedStale, replacedMissing, readsBack, winners);
    }

    private List<Integer> race() {
        var winners = new ArrayList<Integer>();
        for (int round = 0; round < rounds; round++) {
            String key = own + "race-" + round;
            written.add(key);
            count(winners, body -> store.putIfAbsent(key, body));
            String etag = head(key);
            count(winners, body -> store.putIfMatch(key, body, etag));
        }
        return winners;
    }

    /** A round in which nobody is known to have won, and somebody may have, says nothing. */
    private static void count(List<Integer> winners, Function<byte[], PutOutcome> write) {
        List<byte[]> bodies = IntStream.range(0, WRITERS)
                .mapToObj(writer -> bytes(writer + " of " + UUID.randomUUID()))
                .toList();
        List<PutOutcome> outcomes = Transfers.each(bodies, write);
        int won = (int) outcomes.stream().filter(BucketProbe::won).count();
        if (won > 0 || outcomes.stream().noneMatch(PutOutcome.Unknown.class::isInstance)) {
            winners.add(won);
        }
    }

    private boolean deleting() {
        store.delete(written);
        return written.stream()
                .filter(key -> key.startsWith(own))
                .allMatch(key -> store.head(key).isEmpty());
    }

    private Duration skew() {
        Instant before = clock.instant();
        Instant theirs = store.now();
        Instant middle = before.plus(Duration.between(before, clock.instant()).dividedBy(2));
        return Duration.between(theirs, middle);
    }

    private String head(String key) {
        return store.head(key).map(ObjectStore.ObjectInfo::etag).orElseThrow(() -> unconfirmed(key, "it is not there"));
    }

    private static boolean won(PutOutcome outcome) {
        return outcome instanceof PutOutcome.Won;
    }

    private static String etag(PutOutcome outcome, String key) {
        return switch (outcome) {
            case PutOutcome.Won(String etag) -> etag;
            case PutOutcome.Lost _ -> throw unconfirmed(key, "refused, though its condition held");
            case PutOutcome.Unknown(String why) -> throw unconfirmed(key, why);
        };
    }

    private static FailureException unconfirmed(String key, String why) {
        return new FailureException(Blame.DEPENDENCY, "s3-write-unconfirmed", "write " + key + ": " + why);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
