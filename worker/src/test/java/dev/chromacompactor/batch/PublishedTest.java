package dev.chromacompactor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifests;
import java.util.List;
import org.junit.jupiter.api.Test;

class PublishedTest {
    private static final String V1 = "20261124_080000_000001_0123abcd";
    private static final String V2 = "20261124_080000_000002_0123abcd";

    private final Fixture f = new Fixture();

    @Test
    void it_says_what_is_inside_since_when_and_what_is_not_and_why() {
        f.enqueue("b", Policy.PUBLISH, 2);
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(Fixture.failed("b", 1));

        Published published = published(live(V2, chunk("b", 0, V1), chunk("c", 0, V2)));

        assertThat(published.version()).isEqualTo(V1);
        assertThat(published.inside()).containsExactly(ChunkName.of("b", 0));
        assertThat(published.totalEmbeddings())
                .as("of the batch, not of the snapshot")
                .isEqualTo(10);
        assertThat(published.snapshotEmbeddings()).isEqualTo(3);
        assertThat(published.excused()).extracting(Lineage.Excuse::reason).containsExactly("sqlite-corrupt");
    }

    @Test
    void it_is_news_until_it_is_written_and_again_when_more_came_in() {
        f.enqueue("b", Policy.PUBLISH, 2);
        f.receipts.raise(f.done("b", 0, 100));
        f.receipts.raise(Fixture.failed("b", 1));
        Published first = published(live(V1, chunk("b", 0, V1)));
        assertThat(first.isNews(f.bucket)).isTrue();
        first.write(f.bucket);
        assertThat(first.isNews(f.bucket)).isFalse();
        assertThat(published(live(V2, chunk("b", 0, V1), chunk("c", 0, V2))).isNews(f.bucket))
                .as("another batch was published")
                .isFalse();

        f.receipts.raise(f.done("b", 1, 100));
        assertThat(published(live(V2, chunk("b", 0, V1), chunk("b", 1, V2))).isNews(f.bucket))
                .isTrue();
    }

    @Test
    void a_batch_with_nothing_in_it_is_published_without_a_version() {
        f.enqueue("b", Policy.PUBLISH, 1);
        f.receipts.raise(Fixture.empty("b", 0));

        Published published = published(new Live.None());

        assertThat(published.version()).isNull();
        assertThat(published.inside()).isEmpty();
        published.write(f.bucket);
        assertThat(published.isNews(f.bucket)).isFalse();
    }

    private Published published(Live live) {
        Standing standing = f.fanIn.look("b").orElseThrow();
        Base base = live instanceof Live.Ours ours ? Base.of(ours) : Base.NONE;
        return Published.of(
                standing, live, Take.decide(base, List.of(), standing).excuses());
    }

    private static Live live(String version, Lineage.Chunk... chunks) {
        var lineage = new Lineage(0, 1, List.of(chunks), List.of(), List.of(), Lineage.EMPTY.revoked());
        return new Live.Ours(version, "etag", Manifests.manifest(new Live.None(), version, List.of(), lineage));
    }

    private static Lineage.Chunk chunk(String batch, int index, String since) {
        return new Lineage.Chunk(ChunkName.of(batch, index), "k", "e", since);
    }
}
