package dev.chromacompactor.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.embedded.EmbeddedServers;
import dev.chromacompactor.snapshot.CommitOutcome.Committed;
import dev.chromacompactor.snapshot.CommitOutcome.LostRace;
import dev.chromacompactor.snapshot.UnsureBucket.Fate;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.S3ObjectStores;
import dev.chromacompactor.store.S3Settings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

class PublishRaceTest {
    private static final int PUBLISHERS = 64;
    /** A thousand at night: {@code -Dcompactor.race.rounds=1000}. */
    private static final int ROUNDS = Integer.getInteger("compactor.race.rounds", 200);

    @TempDir
    Path nothing;

    @Test
    void nothing_is_lost_when_64_publishers_race_for_many_rounds() throws Exception {
        var bucket = new UnsureBucket();
        for (int round = 0; round < ROUNDS; round++) {
            race(bucket, "memory-" + round, PUBLISHERS);
        }
    }

    @Test
    void nothing_is_lost_when_a_third_of_the_pointer_writes_go_unanswered() throws Exception {
        var bucket = new UnsureBucket();
        bucket.fates(key -> !key.endsWith("latest-pointer.txt")
                ? Fate.ANSWERED
                : switch (ThreadLocalRandom.current().nextInt(9)) {
                    case 0 -> Fate.APPLIED_BUT_UNKNOWN;
                    case 1 -> Fate.NOT_APPLIED_AND_UNKNOWN;
                    case 2 -> Fate.APPLIED_LATER;
                    default -> Fate.ANSWERED;
                });
        try (var network = Executors.newSingleThreadScheduledExecutor()) {
            Future<?> deliveries = network.scheduleAtFixedRate(bucket::deliverLate, 0, 200, TimeUnit.MICROSECONDS);
            for (int round = 0; round < ROUNDS / 4; round++) {
                race(bucket, "unsure-" + round, PUBLISHERS);
            }
            deliveries.cancel(false);
        }
    }

    @Test
    void nothing_is_lost_when_publishers_race_on_the_embedded_S3() throws Exception {
        try (var servers = EmbeddedServers.start(0, 0)) {
            var set = servers.createStandardSet();
            var settings = new S3Settings(servers.region(), servers.s3Endpoint(), true);
            try (var stores = new S3ObjectStores(
                    settings, StaticCredentialsProvider.create(AwsBasicCredentials.create("any", "any")))) {
                ObjectStore bucket = stores.bucket(set.bucket());
                // Every loss costs a new version and some ten requests: all 64 for 200 rounds take an hour here.
                int publishers = Integer.getInteger("compactor.race.s3.publishers", 16);
                for (int round = 0; round < Integer.getInteger("compactor.race.s3.rounds", 3); round++) {
                    race(bucket, "s3-" + round, publishers);
                }
            }
        }
    }

    private void race(ObjectStore bucket, String database, int count) throws Exception {
        Map<String, Manifest> committed = new ConcurrentHashMap<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> publishers = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                String chunk = "b/" + i;
                publishers.add(threads.submit(() -> publish(bucket, database, chunk, committed)));
            }
            for (Future<?> publisher : publishers) {
                publisher.get();
            }
        }
        var live = (Live.Ours) new SnapshotCatalog(bucket, database).live();
        List<String> inside = live.manifest().lineage().chunks().stream()
                .map(chunk -> chunk.name().text())
                .toList();
        assertThat(inside)
                .as("every chunk exactly once")
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, count).mapToObj(i -> "b/" + i).toList());
        assertThat(live.manifest().seq()).isEqualTo(count);
        assertThat(chain(bucket, database, live.manifest()))
                .as("one version after the other, none twice")
                .containsExactlyElementsOf(IntStream.rangeClosed(1, count)
                        .mapToObj(i -> (long) count + 1 - i)
                        .toList());
        var onChain = new HashSet<String>();
        live.manifest().lineage().chunks().forEach(chunk -> onChain.add(chunk.since()));
        assertThat(onChain).as("who was told that he published did publish").containsAll(committed.keySet());
    }

    /** Each publisher takes in its own chunk and nothing else, until it is inside. */
    private void publish(ObjectStore bucket, String database, String chunk, Map<String, Manifest> committed) {
        var publisher = new Publisher(bucket, database);
        var catalog = new SnapshotCatalog(bucket, database);
        Live base = catalog.live();
        while (!base.lineage().holds(new ChunkName(chunk))) {
            Manifest mine = Manifests.next(publisher, bucket::now, base, chunk);
            publisher.upload(nothing, mine);
            switch (publisher.commit(base, mine)) {
                case Committed(String version) -> {
                    if (version.equals(mine.version())) {
                        committed.put(version, mine);
                    }
                    return;
                }
                case LostRace lost -> base = lost.now();
            }
        }
    }

    private static List<Long> chain(ObjectStore bucket, String database, Manifest live) {
        var catalog = new SnapshotCatalog(bucket, database);
        var seqs = new ArrayList<Long>();
        for (Manifest at = live;
                ;
                at = catalog.load(Objects.requireNonNull(at.base())).orElseThrow()) {
            seqs.add(at.seq());
            if (at.base() == null) {
                return seqs;
            }
        }
    }
}
