package dev.chromacompactor.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A thousand orders of delivery, on real files: chunks, groups of them, groups of groups and several versions, with repetitions and
 * with chunks that come when later ones are published. Each gives the records that one Chroma holds after each delta was
 * applied once, in the order of stamps.
 *
 * <p>{@code -Dcompactor.order.seed} and {@code -Dcompactor.order.histories} choose others, or the one that failed.
 */
class DeliveryOrderTest {
    private static final long SEED = Long.getLong("compactor.order.seed", 20_261_124L);
    private static final int HISTORIES = Integer.getInteger("compactor.order.histories", 100);
    private static final int ORDERS = 10;

    @TempDir
    Path temp;

    private FoldTest.Template old;
    private FoldTest.Template young;
    private final List<Path> folders = new ArrayList<>();
    private int count;

    @BeforeEach
    void unpack() {
        old = FoldTest.Template.of(ChromaFixtures.unpack("0.6.3", "small_wal", temp.resolve("old")));
        young = FoldTest.Template.of(ChromaFixtures.unpack("1.5.9", "small_wal", temp.resolve("young")));
    }

    @Test
    void a_thousand_orders_of_delivery_give_the_records_of_each_delta_applied_once_in_order() {
        for (long seed = SEED; seed < SEED + HISTORIES; seed++) {
            var random = new Random(seed);
            var history = new History(random, List.of("words"), false);
            String expected = history.digest();
            List<Path> chunks = chunks(history, random);
            var kept = new ArrayList<>(folders);
            for (int order = 0; order < ORDERS; order++) {
                Summary summary = deliver(chunks, random);
                assertThat(summary.digest())
                        .as("-Dcompactor.order.seed=%d -Dcompactor.order.histories=1, order %d", seed, order)
                        .isEqualTo(expected);
                removeAllBut(kept);
            }
            removeAllBut(List.of());
        }
    }

    /** All deltas, and some of them a second time as another batch would cut them. */
    private List<Path> chunks(History history, Random random) {
        var chunks = new ArrayList<Path>();
        var again = new ArrayList<>(history.deltas);
        Collections.shuffle(again, random);
        again.subList(random.nextInt(again.size() + 1), again.size()).clear();
        for (var deltas : List.of(new ArrayList<>(history.deltas), again)) {
            while (!deltas.isEmpty()) {
                var part = deltas.subList(0, 1 + random.nextInt(Math.min(3, deltas.size())));
                var dir = folder();
                try (var fold = Fold.intermediate(dir)) {
                    for (var delta : part) {
                        var template = delta.stamp().key().hashCode() % 2 == 0 ? old : young;
                        fold.apply(template.delta(delta), delta.stamp(), null);
                    }
                    assertThat(fold.finishIntermediate().ledger().growth()).isNotNegative();
                }
                chunks.add(dir);
                part.clear();
            }
        }
        return chunks;
    }

    /** Delivers all chunks in any order, some twice, some grouped before, and publishes now and then. */
    private Summary deliver(List<Path> chunks, Random random) {
        var coming = new ArrayList<>(chunks);
        coming.addAll(chunks.subList(0, random.nextInt(Math.min(3, chunks.size()) + 1)));
        Collections.shuffle(coming, random);
        var waiting = new ArrayList<Path>();
        Path base = null;
        long records = 0;
        while (true) {
            if (!coming.isEmpty()) {
                waiting.add(coming.removeLast());
            }
            if (waiting.size() > 1 && random.nextInt(4) == 0) {
                var group = waiting.subList(0, 2 + random.nextInt(waiting.size() - 1));
                Path merged = merge(group);
                group.clear();
                waiting.add(random.nextInt(waiting.size() + 1), merged);
            }
            if (coming.isEmpty() || random.nextInt(5) == 0) {
                Path version = base == null ? folder() : Folders.copy(base, folder());
                Summary summary = publish(version, base, waiting);
                records += summary.ledger().growth();
                assertThat(summary.records()).as("the ledgers of all versions").isEqualTo(records);
                if (coming.isEmpty()) {
                    return summary;
                }
                base = version;
                waiting.clear();
            }
        }
    }

    private Path merge(List<Path> group) {
        var dir = folder();
        try (var fold = Fold.intermediate(dir)) {
            group.forEach(part -> fold.applyIntermediate(part, stamp -> false));
            var summary = fold.finishIntermediate();
            assertThat(summary.ledger().growth()).isEqualTo(summary.records());
        }
        return dir;
    }

    private static Summary publish(Path version, @Nullable Path base, List<Path> parts) {
        try (var fold = base == null ? Fold.fresh(version) : Fold.onto(version, true, null)) {
            parts.forEach(part -> fold.applyIntermediate(part, stamp -> false));
            return fold.finishSnapshot(Long.MIN_VALUE);
        }
    }

    private Path folder() {
        try {
            var folder = Files.createDirectory(temp.resolve("f" + count++));
            folders.add(folder);
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void removeAllBut(List<Path> kept) {
        for (Path folder : folders) {
            if (kept.contains(folder)) {
                continue;
            }
            try (var paths = Files.walk(folder)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        folders.retainAll(kept);
    }
}
