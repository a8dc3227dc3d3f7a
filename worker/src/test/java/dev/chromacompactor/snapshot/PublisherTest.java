package dev.chromacompactor.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.snapshot.CommitOutcome.Committed;
import dev.chromacompactor.snapshot.CommitOutcome.LostRace;
import dev.chromacompactor.snapshot.UnsureBucket.Fate;
import dev.chromacompactor.store.PutOutcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublisherTest {
    private static final String POINTER = "words/snapshot/latest-pointer.txt";

    @TempDir
    Path directory;

    private final UnsureBucket bucket = new UnsureBucket();
    private final SnapshotCatalog catalog = new SnapshotCatalog(bucket, "words");
    private final Publisher publisher = new Publisher(bucket, "words");

    @Test
    void the_manifest_is_written_after_everything_it_lists() throws Exception {
        Files.createDirectories(directory.resolve("segment"));
        Files.writeString(directory.resolve("chroma.sqlite3"), "rows");
        Files.writeString(directory.resolve("segment/header.bin"), "graph");
        var order = new ArrayList<String>();
        var watched = new Publisher(
                new Interposed(bucket) {
                    @Override
                    public PutOutcome putIfAbsent(String key, Path file) {
                        order.add(file.getFileName().toString());
                        return super.putIfAbsent(key, file);
                    }

                    @Override
                    public PutOutcome putIfAbsent(String key, byte[] body) {
                        order.add(key.substring(key.lastIndexOf('/') + 1));
                        return super.putIfAbsent(key, body);
                    }
                },
                "words");
        Manifest manifest =
                Manifests.next(publisher, bucket::now, new Live.None(), Publisher.describe(directory), "b/0");

        watched.upload(directory, manifest);

        assertThat(order).containsExactlyInAnyOrder("chroma.sqlite3", "header.bin", "manifest.json");
        assertThat(order.getLast()).isEqualTo("manifest.json");
        assertThat(catalog.verify(manifest.version())).isEmpty();
    }

    @Test
    void the_pointer_is_the_bare_version_id() {
        Manifest manifest = publish("b/0");

        assertThat(new String(bucket.read(POINTER).orElseThrow().bytes(), UTF_8))
                .isEqualTo(manifest.version())
                .matches("\\d{8}_\\d{6}_\\d{6}_[0-9a-f]{8}");
    }

    @Test
    void every_write_of_a_publish_is_conditional_and_the_pointer_comes_last() throws Exception {
        Files.writeString(directory.resolve("chroma.sqlite3"), "rows");
        var order = new ArrayList<String>();
        var watched = new Publisher(
                new Interposed(bucket) {
                    @Override
                    public String put(String key, byte[] body) {
                        throw new AssertionError("unconditional write of " + key);
                    }

                    @Override
                    public String put(String key, Path file) {
                        throw new AssertionError("unconditional write of " + key);
                    }

                    @Override
                    public PutOutcome putIfAbsent(String key, Path file) {
                        order.add(key);
                        return super.putIfAbsent(key, file);
                    }

                    @Override
                    public PutOutcome putIfAbsent(String key, byte[] body) {
                        order.add(key);
                        return super.putIfAbsent(key, body);
                    }

                    @Override
                    public PutOutcome putIfMatch(String key, byte[] body, String etag) {
                        order.add(key + " if " + etag);
                        return super.putIfMatch(key, body, etag);
                    }
                },
                "words");
        Live base = live("b/0");
        String etag = bucket.head(POINTER).orElseThrow().etag();
        Manifest mine = Manifests.next(watched, bucket::now, base, Publisher.describe(directory), "b/1");
        String prefix = catalog.prefix(mine.version());

        watched.upload(directory, mine);
        watched.commit(base, mine);

        assertThat(order).containsExactly(prefix + "chroma.sqlite3", prefix + "manifest.json", POINTER + " if " + etag);
    }

    @Test
    void a_ledger_that_does_not_balance_is_never_uploaded() {
        var right = Manifests.next(publisher, bucket::now, new Live.None(), "b/0");
        var contents = right.contents();
        var wrong = Manifests.manifest(
                new Live.None(),
                right.version(),
                new Manifest.Contents(
                        contents.files(),
                        contents.collections(),
                        contents.records(),
                        contents.recordDigest(),
                        new Ledger(0, 3, 3, 0, 0, 0, 0, 0, 2),
                        contents.level()),
                right.lineage());

        assertReason(() -> publisher.upload(directory, wrong), "ledger-unbalanced");
        assertThat(bucket.list("words/")).isEmpty();
    }

    @Test
    void an_upload_that_arrived_altered_is_never_pointed_to() throws Exception {
        Files.writeString(directory.resolve("chroma.sqlite3"), "rows");
        Manifest manifest =
                Manifests.next(publisher, bucket::now, new Live.None(), Publisher.describe(directory), "b/0");
        Files.writeString(directory.resolve("chroma.sqlite3"), "r0ws");

        assertReason(() -> publisher.upload(directory, manifest), "upload-differs");
        assertThat(catalog.load(manifest.version())).isEmpty();
    }

    @Test
    void an_upload_that_does_not_arrive_is_the_stores_fault() throws Exception {
        Files.writeString(directory.resolve("chroma.sqlite3"), "rows");
        Manifest manifest =
                Manifests.next(publisher, bucket::now, new Live.None(), Publisher.describe(directory), "b/0");
        bucket.fates(_ -> Fate.NOT_APPLIED_AND_UNKNOWN);

        assertReason(() -> publisher.upload(directory, manifest), "upload-unconfirmed");
    }

    @Test
    void an_upload_whose_answers_were_lost_is_whole_all_the_same() throws Exception {
        Files.writeString(directory.resolve("chroma.sqlite3"), "rows");
        Manifest manifest =
                Manifests.next(publisher, bucket::now, new Live.None(), Publisher.describe(directory), "b/0");
        bucket.fates(_ -> Fate.APPLIED_BUT_UNKNOWN);

        publisher.upload(directory, manifest);

        assertThat(catalog.load(manifest.version())).contains(manifest);
    }

    @Test
    void a_pointer_write_that_timed_out_but_was_applied_is_not_taken_for_lost() {
        Live base = live("b/0");
        Manifest mine = uploaded(base, "b/1");
        bucket.next(POINTER, Fate.APPLIED_BUT_UNKNOWN);

        assertThat(publisher.commit(base, mine)).isEqualTo(new Committed(mine.version()));
    }

    @Test
    void a_pointer_write_that_timed_out_and_was_not_applied_is_not_taken_for_won() {
        Live base = live("b/0");
        Manifest mine = uploaded(base, "b/1");
        bucket.next(POINTER, Fate.NOT_APPLIED_AND_UNKNOWN);

        assertThat(publisher.commit(base, mine))
                .isInstanceOfSatisfying(
                        LostRace.class, lost -> assertThat(lost.now()).isEqualTo(base));
    }

    @Test
    void a_pointer_write_that_is_applied_later_leaves_a_version_that_is_there() {
        Live base = live("b/0");
        Manifest mine = uploaded(base, "b/1");
        bucket.next(POINTER, Fate.APPLIED_LATER);
        assertThat(publisher.commit(base, mine)).isInstanceOf(LostRace.class);

        assertThat(bucket.deliverLate()).isTrue();

        assertThat(((Live.Ours) catalog.live()).manifest()).isEqualTo(mine);
    }

    @Test
    void a_pointer_write_that_is_applied_after_the_next_publish_changes_nothing() {
        Live base = live("b/0");
        Manifest slow = uploaded(base, "b/1");
        bucket.next(POINTER, Fate.APPLIED_LATER);
        var lost = (LostRace) publisher.commit(base, slow);
        Manifest again = uploaded(lost.now(), "b/1");
        assertThat(publisher.commit(lost.now(), again)).isEqualTo(new Committed(again.version()));

        assertThat(bucket.deliverLate()).isFalse();

        assertThat(((Live.Ours) catalog.live()).version()).isEqualTo(again.version());
    }

    @Test
    void the_first_publish_of_a_database_has_one_winner() {
        Manifest mine = uploaded(new Live.None(), "b/0");
        Manifest theirs = uploaded(new Live.None(), "c/0");
        assertThat(publisher.commit(new Live.None(), theirs)).isEqualTo(new Committed(theirs.version()));

        assertThat(publisher.commit(new Live.None(), mine))
                .isInstanceOfSatisfying(
                        LostRace.class,
                        lost -> assertThat(((Live.Ours) lost.now()).version()).isEqualTo(theirs.version()));
    }

    @Test
    void a_lost_race_is_won_if_the_winner_took_my_chunks_along() {
        Live base = live("b/0");
        Manifest mine = uploaded(base, "b/1");
        Manifest theirs = uploaded(base, "b/1", "b/2");
        publisher.commit(base, theirs);

        assertThat(publisher.commit(base, mine)).isEqualTo(new Committed(theirs.version()));
    }

    @Test
    void a_lost_race_stays_lost_if_the_winner_took_only_some_of_my_chunks() {
        Live base = live("b/0");
        Manifest mine = uploaded(base, "b/1", "b/3");
        publisher.commit(base, uploaded(base, "b/1"));

        assertThat(publisher.commit(base, mine)).isInstanceOf(LostRace.class);
    }

    @Test
    void a_copy_that_takes_nothing_in_is_known_by_its_place_in_the_chain() {
        Live base = live("b/0");
        Manifest copy = uploaded(base);
        bucket.next(POINTER, Fate.APPLIED_BUT_UNKNOWN);
        assertThat(publisher.commit(base, copy)).isEqualTo(new Committed(copy.version()));
        Manifest later = publish("b/1");

        assertThat(publisher.commit(base, copy)).isEqualTo(new Committed(later.version()));
        assertThat(publisher.commit(base, uploaded(base))).isInstanceOf(LostRace.class);
    }

    @Test
    void the_loser_deletes_nothing() {
        Live base = live("b/0");
        Manifest mine = uploaded(base, "b/1");
        publisher.commit(base, uploaded(base, "b/2"));
        publisher.commit(base, mine);

        assertThat(catalog.load(mine.version())).contains(mine);
    }

    @Test
    void versions_of_one_second_have_prefixes_of_their_own() {
        Live base = live("b/0");

        assertThat(publisher.freshVersion(base)).isNotEqualTo(publisher.freshVersion(base));
    }

    @Test
    void ids_of_later_versions_sort_later_beside_the_predecessors() {
        bucket.setNow(java.time.Instant.parse("2026-11-24T23:59:59Z"));
        Live base = live("b/0");
        String id = publisher.freshVersion(base);

        assertThat(id).startsWith("20261124_235959_000002_").isGreaterThan("20261124_235958_999999_ffffffff");
    }

    private Live live(String chunk) {
        publish(chunk);
        return catalog.live();
    }

    private Manifest publish(String chunk) {
        Live base = catalog.live();
        Manifest manifest = uploaded(base, chunk);
        assertThat(publisher.commit(base, manifest)).isEqualTo(new Committed(manifest.version()));
        return manifest;
    }

    private Manifest uploaded(Live base, String... chunks) {
        Manifest manifest = Manifests.next(publisher, bucket::now, base, List.of(), chunks);
        publisher.upload(directory, manifest);
        return manifest;
    }

    private static void assertReason(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String reason) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FailureException.class,
                        e -> assertThat(e.failure().reason()).isEqualTo(reason));
    }
}
