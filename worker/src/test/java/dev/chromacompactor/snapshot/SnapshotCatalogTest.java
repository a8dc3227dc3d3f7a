package dev.chromacompactor.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.ObjectStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotCatalogTest {
    private static final String POINTER = "words/snapshot/latest-pointer.txt";
    private static final String VERSIONS = "words/snapshot/timestamped/";

    @TempDir
    Path directory;

    private final UnsureBucket bucket = new UnsureBucket();
    private final SnapshotCatalog catalog = new SnapshotCatalog(bucket, "words");
    private final Publisher publisher = new Publisher(bucket, "words");

    @Test
    void an_empty_bucket_has_nothing_live() {
        assertThat(catalog.live()).isEqualTo(new Live.None());
    }

    @Test
    void a_first_upload_that_never_got_to_the_pointer_is_still_a_first_publish() {
        publisher.upload(directory, Manifests.next(publisher, bucket::now, new Live.None(), "b/0"));

        assertThat(catalog.live()).isEqualTo(new Live.None());
    }

    @Test
    void a_first_upload_that_broke_off_before_its_manifest_is_still_a_first_publish() {
        put(VERSIONS + "20261124_080000_000001_0123abcd/chroma.sqlite3", "half");

        assertThat(catalog.live()).isEqualTo(new Live.None());
    }

    @Test
    void a_missing_pointer_beside_a_second_version_is_an_alarm() {
        put(VERSIONS + "20261124_080000_000002_0123abcd/chroma.sqlite3", "x");

        assertFails(catalog::live, Blame.INVARIANT, "pointer-missing");
    }

    @Test
    void a_missing_pointer_beside_a_version_of_the_predecessor_is_an_alarm() {
        put(VERSIONS + "20251115_171818/chroma.sqlite3", "x");

        assertFails(catalog::live, Blame.INVARIANT, "pointer-missing");
    }

    @Test
    void a_missing_pointer_beside_an_archive_of_the_predecessor_is_an_alarm_whatever_its_microseconds() {
        put(VERSIONS + "20251115_171818_000001_0123abcd/snapshot.tar.gz", "x");

        assertFails(catalog::live, Blame.INVARIANT, "pointer-missing");
    }

    @Test
    void a_deleted_pointer_is_not_taken_for_no_data_yet() throws Exception {
        publish("b/0");
        publish("b/1");
        bucket.delete(List.of(POINTER));

        assertFails(catalog::live, Blame.INVARIANT, "pointer-missing");
    }

    @Test
    void a_pointer_to_nothing_is_an_alarm() {
        put(POINTER, "20251115_171818");

        assertFails(catalog::live, Blame.INVARIANT, "pointer-dangling");
    }

    @Test
    void an_empty_pointer_is_an_alarm() {
        put(POINTER, " \n");

        assertFails(catalog::live, Blame.INVARIANT, "pointer-dangling");
    }

    @Test
    void a_pointer_that_moved_while_its_version_was_collected_is_a_conflict() throws Exception {
        publish("b/0");
        var racing = new SnapshotCatalog(
                new Interposed(bucket) {
                    @Override
                    public void list(String prefix, java.util.function.Consumer<ObjectInfo> each) {
                        // Between pointer and listing the next version is published and this one collected.
                        var old = bucket.list(prefix).stream()
                                .map(ObjectInfo::key)
                                .toList();
                        publish("b/1");
                        bucket.delete(old);
                        super.list(prefix, each);
                    }
                },
                "words");

        assertFails(racing::live, Blame.CONFLICT, "pointer-moved");
    }

    @Test
    void white_space_around_the_pointer_is_no_part_of_it() throws Exception {
        Manifest manifest = publish("b/0");
        String etag = put(POINTER, manifest.version() + "\n\n");

        assertThat(catalog.live()).isEqualTo(new Live.Ours(manifest.version(), etag, manifest));
    }

    @Test
    void a_directory_of_the_predecessor_is_a_foreign_version() {
        String etag = put(POINTER, "20251115_171818");
        put(VERSIONS + "20251115_171818/chroma.sqlite3", "x");

        assertThat(catalog.live()).isEqualTo(new Live.Foreign("20251115_171818", etag, VERSIONS + "20251115_171818/"));
    }

    @Test
    void an_archive_of_the_predecessor_is_a_foreign_version() {
        String version = "20261115_171818_123456_0123abcd";
        String etag = put(POINTER, version);
        put(VERSIONS + version + "/snapshot.tar.gz", "x");

        assertThat(catalog.live()).isEqualTo(new Live.Foreign(version, etag, VERSIONS + version + "/snapshot.tar.gz"));
        assertThat(catalog.live().seq()).isZero();
    }

    @Test
    void our_old_manifest_repacked_into_a_foreign_version_does_not_count() throws Exception {
        Manifest manifest = publish("b/0");
        String foreign = "20261124_090000_123456_0123abcd";
        put(POINTER, foreign);
        put(VERSIONS + foreign + "/chroma.sqlite3", "x");
        bucket.put(VERSIONS + foreign + "/manifest.json", manifest.bytes());

        assertThat(catalog.live()).isInstanceOf(Live.Foreign.class);
        assertThat(catalog.live().lineage()).isEqualTo(Lineage.EMPTY);
    }

    @Test
    void a_manifest_of_an_unknown_format_is_refused_not_guessed_at() throws Exception {
        Manifest manifest = publish("b/0");
        String body = new String(manifest.bytes(), UTF_8).replace("\"format\":1", "\"format\":2");
        put(VERSIONS + manifest.version() + "/manifest.json", body);

        assertFails(catalog::live, Blame.INVARIANT, "manifest-format-unknown");
    }

    @Test
    void a_live_version_that_lost_a_file_is_an_alarm() throws Exception {
        Manifest manifest = publish("b/0");
        bucket.delete(List.of(VERSIONS + manifest.version() + "/chroma.sqlite3"));

        assertFails(catalog::live, Blame.INVARIANT, "snapshot-damaged");
    }

    @Test
    void versions_are_listed_newest_first_ours_and_others() throws Exception {
        put(VERSIONS + "20251115_171818/chroma.sqlite3", "x");
        put(POINTER, "20251115_171818");
        Manifest first = publish("b/0");
        Manifest second = publish("b/1");

        assertThat(catalog.versions())
                .containsExactly(
                        new SnapshotCatalog.Entry(second.version(), second),
                        new SnapshotCatalog.Entry(first.version(), first),
                        new SnapshotCatalog.Entry("20251115_171818", null));
        assertThat(first.seq()).as("a base that is not ours counts as 0").isEqualTo(1);
    }

    @Test
    void verify_reads_every_byte() throws Exception {
        Manifest manifest = publish("b/0");
        assertThat(catalog.verify(manifest.version())).isEmpty();

        put(VERSIONS + manifest.version() + "/chroma.sqlite3", "records of b/X");
        assertThat(catalog.verify(manifest.version()))
                .containsExactly("chroma.sqlite3 has another SHA-256 than the manifest says");
    }

    @Test
    void download_brings_the_files_and_refuses_altered_ones() throws Exception {
        Manifest manifest = publish("b/0");
        Path target = Files.createDirectory(directory.resolve("down"));
        catalog.download(manifest, target);
        assertThat(target.resolve("chroma.sqlite3")).hasContent("records of b/0");

        put(VERSIONS + manifest.version() + "/chroma.sqlite3", "records of b/X");
        Path again = Files.createDirectory(directory.resolve("again"));
        assertFails(() -> catalog.download(manifest, again), Blame.INVARIANT, "snapshot-damaged");
    }

    @Test
    void a_version_that_is_collected_while_it_is_downloaded_is_a_conflict_not_the_inputs_fault() throws Exception {
        Manifest manifest = publish("b/0");
        bucket.delete(bucket.list(VERSIONS + manifest.version()).stream()
                .map(ObjectStore.ObjectInfo::key)
                .toList());

        Path target = Files.createDirectory(directory.resolve("down"));
        assertFails(() -> catalog.download(manifest, target), Blame.CONFLICT, "version-collected");
    }

    @Test
    void a_version_that_lost_a_file_but_not_its_manifest_is_an_alarm_when_it_is_downloaded() throws Exception {
        Manifest manifest = publish("b/0");
        bucket.delete(List.of(VERSIONS + manifest.version() + "/chroma.sqlite3"));

        Path target = Files.createDirectory(directory.resolve("down"));
        assertFails(() -> catalog.download(manifest, target), Blame.INVARIANT, "snapshot-damaged");
    }

    private Manifest publish(String chunk) {
        try {
            Path files = Files.createTempDirectory(directory, "v");
            Files.writeString(files.resolve("chroma.sqlite3"), "records of " + chunk);
            Live base = catalog.live();
            Manifest manifest = Manifests.next(publisher, bucket::now, base, Publisher.describe(files), chunk);
            publisher.upload(files, manifest);
            assertThat(publisher.commit(base, manifest)).isEqualTo(new CommitOutcome.Committed(manifest.version()));
            return manifest;
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private String put(String key, String text) {
        return bucket.put(key, text.getBytes(UTF_8));
    }

    private static void assertFails(ThrowingCallable call, Blame blame, String reason) {
        assertThatThrownBy(call).isInstanceOfSatisfying(FailureException.class, e -> {
            assertThat(e.failure().reason()).isEqualTo(reason);
            assertThat(e.failure().blame()).isEqualTo(blame);
        });
    }
}
