package dev.chromacompactor.batch;

import static dev.chromacompactor.batch.Fixture.empty;
import static dev.chromacompactor.batch.Fixture.failed;
import static dev.chromacompactor.batch.Fixture.inputs;
import static dev.chromacompactor.batch.Fixture.object;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.snapshot.ChunkName;
import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Lineage.Excuse;
import dev.chromacompactor.snapshot.Manifest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GroupingTest {
    private static final String VERSION = "20261124_080000_000004_0123abcd";

    private final Fixture f = new Fixture();

    @Test
    void a_groups_output_is_folded_in_the_place_of_its_chunks_and_leaves_no_trace_in_the_lineage() {
        f.enqueuePairs("b", Policy.PUBLISH, 4);
        Receipt first = f.receipts.raise(f.done("b", 0, 100));
        Receipt second = f.receipts.raise(f.done("b", 1, 200));
        Receipt third = f.receipts.raise(f.done("b", 2, 150));
        f.receipts.raise(failed("b", 3));
        Take without = take("b");
        Receipt group = f.receipts.raisePlanned(f.group("b", 0, first, second));
        f.receipts.raisePlanned(Receipt.empty("words", "b", Receipt.Kind.GROUP, 1, List.of(), "test"));

        Take with = take("b");

        assertThat(keys(with))
                .containsExactly(object(group).key(), object(third).key());
        assertThat(with.singles())
                .containsExactly(
                        without.folds().get(0),
                        without.folds().get(2),
                        without.folds().get(1));
        assertSame(with, without);
    }

    @Test
    void a_chunk_that_comes_after_its_group_was_merged_is_taken_beside_it() {
        f.enqueuePairs("b", Policy.PUBLISH, 4);
        Receipt first = f.receipts.raise(f.done("b", 0, 100));
        Receipt second = f.receipts.raise(f.done("b", 1, 100));
        f.receipts.raise(failed("b", 2));
        Receipt group = f.receipts.raisePlanned(f.group("b", 0, first, second));
        f.receipts.raisePlanned(Fixture.failedGroup("b", 1));
        Receipt late = f.receipts.raise(f.done("b", 2, 100));
        f.receipts.raise(empty("b", 3));

        assertThat(keys(take("b")))
                .containsExactly(object(group).key(), object(late).key());
    }

    @Test
    void the_one_misfit_of_a_group_is_refused_by_name_and_the_others_are_taken_one_by_one() {
        f.enqueuePairs("b", Policy.PUBLISH, 4);
        Receipt first = f.receipts.raise(f.done("b", 0, 100));
        Receipt misfit = f.receipts.raise(f.done("b", 1, inputs("b", 1, 200), 9, "l2", 6, false, "x"));
        f.receipts.raisePlanned(f.group("b", 0, first, misfit));
        Receipt third = f.receipts.raise(f.done("b", 2, 300));
        Receipt fourth = f.receipts.raise(f.done("b", 3, 300));
        Receipt group = f.receipts.raisePlanned(f.group("b", 1, third, fourth));

        Take take = take("b");

        assertThat(keys(take))
                .containsExactly(object(first).key(), object(group).key());
        assertThat(take.refused()).extracting(Excuse::chunk).containsExactly(ChunkName.of("b", 1));
        assertThat(take.refused()).extracting(Excuse::reason).containsExactly("dimension-mismatch");
    }

    @Test
    void a_group_that_was_made_of_other_chunks_than_there_are_now_is_left_alone() {
        f.enqueuePairs("b", Policy.PUBLISH, 2);
        Receipt first = f.receipts.raise(f.done("b", 0, 100));
        Receipt old = f.receipts.raise(f.done("b", 1, 100));
        f.receipts.raisePlanned(f.group("b", 0, first, old));
        f.bucket.put(object(old).key(), "made anew".getBytes(UTF_8));
        Receipt anew = f.receipts.raise(f.done("b", 1, 100));
        assertThat(object(anew).etag()).isNotEqualTo(object(old).etag());

        assertThat(keys(take("b")))
                .containsExactly(object(first).key(), object(anew).key());
    }

    @Test
    void a_group_with_a_chunk_that_is_inside_or_was_taken_out_is_left_alone() {
        f.enqueuePairs("b", Policy.PUBLISH, 2);
        Receipt first = f.receipts.raise(f.done("b", 0, 100));
        Receipt second = f.receipts.raise(f.done("b", 1, 100));
        f.receipts.raisePlanned(f.group("b", 0, first, second));
        var chunk = new Lineage.Chunk(ChunkName.of("b", 0), "k", "e", VERSION);
        var nothing = Lineage.EMPTY.revoked();
        var inside = new Lineage(0, 1, List.of(chunk), List.of(), List.of(), nothing);
        var revoked =
                new Lineage(0, 1, List.of(), List.of(), List.of(), new Lineage.Revoked(List.of(chunk), List.of()));

        for (Lineage lineage : List.of(inside, revoked)) {
            assertThat(keys(take(new Base(lineage, List.of(), null), "b")))
                    .containsExactly(object(second).key());
        }
    }

    @Test
    void what_turns_out_not_to_fit_takes_its_group_apart_and_nothing_else() {
        f.enqueuePairs("b", Policy.PUBLISH, 4);
        var chunks = IntStream.range(0, 4)
                .mapToObj(i -> f.receipts.raise(f.done("b", i, 100 + i)))
                .toList();
        Receipt group = f.receipts.raisePlanned(f.group("b", 0, chunks.get(0), chunks.get(1)));
        Receipt other = f.receipts.raisePlanned(f.group("b", 1, chunks.get(2), chunks.get(3)));
        Take take = take("b");

        Take without = take.without(List.of(new Excuse(ChunkName.of("b", 1), null, "id-twice", "m", null, "e", null)));
        assertThat(keys(without))
                .containsExactly(object(chunks.get(0)).key(), object(other).key());

        Take apart = take.apart(fold -> fold.key().equals(object(group).key()));
        assertThat(keys(apart))
                .containsExactly(
                        object(chunks.get(0)).key(),
                        object(chunks.get(1)).key(),
                        object(other).key());
        assertSame(apart, take);
    }

    /** Random receipts of chunks and groups, stale, wrong and partial ones too: the same is taken as if there were no groups. */
    @Test
    void with_groups_a_version_takes_in_the_same_as_without() {
        int together = 0;
        for (int seed = 0; seed < 300; seed++) {
            var random = new Random(seed);
            var g = new Fixture();
            Policy policy = random.nextInt(3) == 0 ? Policy.HOLD : Policy.PUBLISH;
            g.enqueuePairs("b", policy, 6);
            var done = new ArrayList<Receipt>();
            for (int i = 0; i < 6; i++) {
                switch (random.nextInt(policy == Policy.HOLD ? 30 : 8)) {
                    case 0 -> g.receipts.raise(failed("b", i));
                    case 1 -> g.receipts.raise(empty("b", i));
                    case 2 ->
                        done.add(g.receipts.raise(
                                g.done("b", i, inputs("b", i, random.nextInt(900)), 9, "l2", 6, false, "x")));
                    default -> done.add(g.receipts.raise(g.done("b", i, random.nextInt(900))));
                }
            }
            var lineage = lineage(random, done);
            var base = new Base(
                    lineage,
                    random.nextBoolean() ? List.of(new Manifest.Collection("words", "id", 1, 8, "l2")) : List.of(),
                    null);
            var groups = new ArrayList<Receipt>();
            for (int pair = 0; pair < 3; pair++) {
                Receipt[] members = members(random, done, pair);
                if (members.length > 0 && random.nextInt(8) > 0) {
                    groups.add(g.group("b", pair, members));
                }
            }
            for (Receipt each : done) {
                if (random.nextInt(8) == 0) {
                    makeAnew(g, each);
                }
            }
            Take without = Take.decide(base, List.of(), g.fanIn.look("b").orElseThrow());
            groups.forEach(g.receipts::raisePlanned);
            Take with = Take.decide(base, List.of(), g.fanIn.look("b").orElseThrow());

            assertSame(with, without);
            together += (int) with.folds().stream().filter(Take.Fold::grouped).count();
        }
        assertThat(together).as("groups that were taken").isGreaterThan(100);
    }

    private static void makeAnew(Fixture g, Receipt old) {
        g.bucket.put(object(old).key(), "made anew".getBytes(UTF_8));
        int dimension = Objects.requireNonNull(old.collections().getFirst().dimension());
        g.receipts.raise(g.done("b", old.index(), old.inputs(), dimension, "l2", 6, false, "x"));
    }

    private static Receipt[] members(Random random, List<Receipt> done, int pair) {
        return done.stream()
                .filter(receipt -> receipt.index() / 2 == pair || random.nextInt(40) == 0)
                .filter(_ -> random.nextInt(12) > 0)
                .toArray(Receipt[]::new);
    }

    private static Lineage lineage(Random random, List<Receipt> done) {
        var inside = new ArrayList<Lineage.Chunk>();
        var revoked = new ArrayList<Lineage.Chunk>();
        var gone = new ArrayList<Lineage.Input>();
        for (Receipt each : done) {
            var name = ChunkName.of("b", each.index());
            switch (random.nextInt(12)) {
                case 0 -> inside.add(new Lineage.Chunk(name, "k", "e", VERSION));
                case 1 -> revoked.add(new Lineage.Chunk(name, "k", "e", VERSION));
                case 2 -> {
                    Receipt.Input input = each.inputs().getFirst();
                    gone.add(new Lineage.Input(input.key(), String.valueOf(input.identity()), 1, 0, name, VERSION));
                }
                default -> {}
            }
        }
        return new Lineage(
                random.nextInt(4) == 0 ? 300 : 0, 1, inside, List.of(), List.of(), new Lineage.Revoked(revoked, gone));
    }

    private static void assertSame(Take with, Take without) {
        assertThat(with.chunks(VERSION)).containsExactlyInAnyOrderElementsOf(without.chunks(VERSION));
        assertThat(with.inputs(VERSION)).containsExactlyInAnyOrderElementsOf(without.inputs(VERSION));
        assertThat(with.excuses()).isEqualTo(without.excuses());
        assertThat(with.refused()).isEqualTo(without.refused());
        assertThat(with.closed()).isEqualTo(without.closed());
        assertThat(with.inside()).isEqualTo(without.inside());
        assertThat(with.ownReady()).isEqualTo(without.ownReady());
    }

    private Take take(String own) {
        return take(Base.NONE, own);
    }

    private Take take(Base base, String own) {
        return Take.decide(base, f.fanIn.open("words"), f.fanIn.look(own).orElseThrow());
    }

    private static List<String> keys(Take take) {
        return take.folds().stream().map(Take.Fold::key).toList();
    }
}
