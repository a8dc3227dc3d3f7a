package dev.chromacompactor.realchroma;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.chroma.ChromaDatabase;
import dev.chromacompactor.chroma.Fold;
import dev.chromacompactor.chroma.Stamp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * Random adds, updates, upserts, nulls, deletes and re-adds over several deltas that real Chroma wrote; folded in random order and
 * grouping, some more than once, over one or more snapshots. Each must equal one Chroma to which the deltas were applied in order.
 */
class FoldsRandomHistoriesTest {
    private static final int FIRST_SEED = 20_000;
    private static final int HISTORIES = 200;
    /** The folding does not depend on who wrote the deltas, only the reading does. */
    private static final int HISTORIES_OF_OLDER_VERSIONS = 40;

    private static final int IN_ONE_GO = 20;
    private static final int MOST_DELTAS = 4;
    /** Our own checked reader looks at every snapshot, real Chroma at one in so many. */
    private static final int SAMPLE = 8;

    @TempDir(factory = InMemory.class)
    Path scratch;

    @WithEachChroma
    void any_order_grouping_and_repetition_equals_one_Chroma(RealChroma chroma) throws IOException {
        int count = chroma == RealChroma.newest() ? HISTORIES : HISTORIES_OF_OLDER_VERSIONS;
        var sampled = new ArrayList<Path>();
        var next = CompletableFuture.completedFuture(written(chroma, 0));
        for (int done = 0; done < count; done += IN_ONE_GO) {
            var histories = next.join();
            if (done + IN_ONE_GO < count) {
                // Python writes the next ones while these are folded.
                int first = done + IN_ONE_GO;
                next = CompletableFuture.supplyAsync(() -> written(chroma, first));
            }
            for (History history : histories) {
                var snapshot = check(history);
                if (history.seed() % SAMPLE == 0) {
                    sampled.add(snapshot);
                } else {
                    deleteTree(requireNonNull(history.deltas().getFirst().getParent()));
                }
            }
        }
        for (Path snapshot : sampled) {
            assertThat(Compared.differences(snapshot, chroma.dump(snapshot)))
                    .as(snapshot.toString())
                    .isEmpty();
        }
    }

    private List<History> written(RealChroma chroma, int done) {
        return chroma.histories(scratch, FIRST_SEED + done, IN_ONE_GO, MOST_DELTAS);
    }

    private static Path check(History history) throws IOException {
        var plan = new Plan(history);
        try {
            var snapshot = plan.run();
            var ours = requireNonNull(Compared.read(snapshot).get("words"));
            assertThat(Compared.differences(ours, history.expected(), history.space()))
                    .isEmpty();
            return snapshot;
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("seed " + history.seed() + ", " + plan.steps + ": " + e.getMessage(), e);
        }
    }

    /** One random way to fold a history. */
    private static final class Plan {
        private final History history;
        private final Random random;
        private final Path home;
        private final List<String> steps = new ArrayList<>();

        Plan(History history) throws IOException {
            this.history = history;
            this.random = new Random(history.seed());
            this.home = Files.createDirectory(history.deltas().getFirst().resolveSibling("ours"));
        }

        Path run() throws IOException {
            var waiting = new ArrayList<Integer>();
            IntStream.range(0, history.deltas().size()).forEach(waiting::add);
            IntStream.range(0, random.nextInt(3))
                    .forEach(_ -> waiting.add(random.nextInt(history.deltas().size())));
            Collections.shuffle(waiting, random);
            var intermediates = new ArrayList<Path>();
            while (!waiting.isEmpty()) {
                var some = waiting.subList(0, 1 + random.nextInt(waiting.size()));
                intermediates.add(intermediate(List.copyOf(some)));
                some.clear();
            }
            if (random.nextInt(3) == 0) {
                intermediates.add(group(intermediates));
            }
            if (random.nextInt(3) == 0) {
                intermediates.add(intermediates.getFirst());
            }
            var snapshot = Files.createDirectory(home.resolve("snapshot"));
            for (int round = 0; !intermediates.isEmpty(); round++) {
                var some = intermediates.subList(0, 1 + random.nextInt(intermediates.size()));
                publish(snapshot, round == 0, List.copyOf(some));
                some.clear();
            }
            return snapshot;
        }

        private Path intermediate(List<Integer> deltas) throws IOException {
            var dir = Files.createDirectory(home.resolve("intermediate-" + steps.size()));
            steps.add(dir.getFileName() + " of deltas " + deltas);
            try (var fold = Fold.intermediate(dir)) {
                for (int delta : deltas) {
                    try (var database = ChromaDatabase.open(history.deltas().get(delta))) {
                        var _ = fold.apply(database, new Stamp(1000L * (delta + 1), 0, "delta-" + delta), null);
                    }
                }
                var _ = fold.finishIntermediate();
            }
            return dir;
        }

        private Path group(List<Path> intermediates) throws IOException {
            var dir = Files.createDirectory(home.resolve("group-" + steps.size()));
            steps.add(dir.getFileName() + " of all of them");
            try (var fold = Fold.intermediate(dir)) {
                for (Path each : intermediates) {
                    var _ = fold.applyIntermediate(each, _ -> false);
                }
                var _ = fold.finishIntermediate();
            }
            return dir;
        }

        private void publish(Path snapshot, boolean first, List<Path> intermediates) {
            steps.add("publish " + intermediates.stream().map(Path::getFileName).toList());
            try (var fold = first ? Fold.fresh(snapshot) : Fold.onto(snapshot, true, null)) {
                for (Path each : intermediates) {
                    var _ = fold.applyIntermediate(each, _ -> false);
                }
                var _ = fold.finishSnapshot(Long.MIN_VALUE);
            }
        }
    }

    /** In memory where there is plenty of it: thousands of small databases, each synced at every write, are slow on a disk. */
    static final class InMemory implements TempDirFactory {
        private static final Path MEMORY = Path.of("/dev/shm");
        private static final long ENOUGH = 1L << 30;

        @Override
        public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext extension)
                throws IOException {
            return Files.isWritable(MEMORY) && Files.getFileStore(MEMORY).getUsableSpace() > ENOUGH
                    ? Files.createTempDirectory(MEMORY, "histories")
                    : Files.createTempDirectory("histories");
        }
    }

    private static void deleteTree(Path root) throws IOException {
        try (var walk = Files.walk(root)) {
            for (Path each : walk.sorted(Collections.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }
}
