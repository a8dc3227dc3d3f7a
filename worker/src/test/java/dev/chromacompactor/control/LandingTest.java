package dev.chromacompactor.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import dev.chromacompactor.snapshot.Manifests;
import dev.chromacompactor.snapshot.Publisher;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.MemoryObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LandingTest {
    private static final Duration PATIENCE = Duration.ofSeconds(100);

    private Instant now = Instant.parse("2026-11-24T12:00:00Z");
    private final InstantSource clock = () -> now;
    private final MemoryObjectStore store = new MemoryObjectStore("bucket", clock);
    private final Publisher publisher = new Publisher(store, "words");
    private final List<Duration> pauses = new ArrayList<>();
    private Runnable meanwhile = () -> {};

    @TempDir
    Path directory;

    private Live live() {
        return new SnapshotCatalog(store, "words").live();
    }

    private Manifest uploaded(String chunk) {
        var manifest = Manifests.next(publisher, clock, live(), chunk);
        publisher.upload(directory, manifest);
        return manifest;
    }

    private List<String> await() throws InterruptedException {
        return new Landing(store, clock, length -> {
                    pauses.add(length);
                    now = now.plus(length);
                    meanwhile.run();
                })
                .await(List.of("words", "lines"), PATIENCE);
    }

    @Test
    void where_nothing_is_uploaded_nothing_can_land_and_nobody_waits() throws Exception {
        assertThat(await()).isEmpty();
        var _ = publisher.commit(live(), uploaded("a/0"));
        assertThat(await()).isEmpty();
        assertThat(pauses).isEmpty();
    }

    @Test
    void an_upload_that_lost_its_race_cannot_land() throws Exception {
        var base = live();
        var winner = uploaded("a/0");
        var loser = uploaded("b/0");
        var _ = publisher.commit(base, winner);
        assertThat(loser.seq()).isEqualTo(winner.seq());
        assertThat(await()).isEmpty();
        assertThat(pauses).isEmpty();
    }

    @Test
    void a_commit_under_way_is_waited_for() throws Exception {
        var base = live();
        var mine = uploaded("a/0");
        meanwhile = () -> {
            if (pauses.size() == 3) {
                var _ = publisher.commit(base, mine);
            }
        };
        assertThat(await()).isEmpty();
        assertThat(pauses).hasSize(3);
    }

    @Test
    void what_a_dead_worker_left_is_waited_for_no_longer_than_a_commit_may_take_and_named() throws Exception {
        var left = uploaded("a/0");
        assertThat(await()).containsExactly("words/snapshot/timestamped/" + left.version() + "/");
        assertThat(pauses).hasSize(100);
    }

    @Test
    void what_is_uploaded_after_the_pause_is_not_waited_for() throws Exception {
        var base = live();
        var before = uploaded("a/0");
        meanwhile = () -> {
            if (pauses.size() == 2) {
                var _ = publisher.commit(base, before);
                var _ = uploaded("b/0");
            }
        };
        assertThat(await()).isEmpty();
        assertThat(pauses).hasSize(2);
    }

    @Test
    void an_upload_without_its_manifest_is_not_finished_and_cannot_land() throws Exception {
        store.put("words/snapshot/timestamped/20261124_120000_000001_0badf00d/chroma.sqlite3", new byte[1]);
        assertThat(await()).isEmpty();
        assertThat(pauses).isEmpty();
    }
}
