package dev.chromacompactor.question;

import dev.chromacompactor.batch.Plan;
import dev.chromacompactor.question.BatchAnswer.Outside;
import dev.chromacompactor.snapshot.ChunkName;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What to do now, each with the command to type. */
final class Advice {
    static final String NONE = "nothing";

    /** More keys than that make no command that anybody types. */
    private static final int MOST_KEYS = 10;

    private Advice() {}

    static String watch(String batch) {
        return "nothing yet; compactor batch watch " + batch + " follows it";
    }

    static String looksLost(String batch) {
        return "compactor status says whether workers run, and compactor dlq list --batch " + batch
                + " whether a message ended there; what got lost, idle workers send again";
    }

    /** What a worker read stays as it is until its message runs again. */
    static String replay(String batch) {
        return "mend the input, then: compactor dlq replay --batch " + batch + " --yes";
    }

    static String release(String database, List<ChunkName> chunks) {
        return "if they should come in after all: compactor snapshot release --database " + database + " "
                + chunks.stream().map(ChunkName::text).collect(Collectors.joining(" "));
    }

    static String enqueue(String database, String delta) {
        return "compactor enqueue --database " + database + " --delta " + delta;
    }

    static String enqueueAgain(Plan plan) {
        List<String> keys = keys(plan.parts().stream());
        return "enqueue it again with the same options: compactor enqueue --database " + plan.database() + " --batch "
                + plan.batch() + deltas(keys);
    }

    /** Folded as it is, a chunk never gets to fit; what was written anew is another delta, in another batch. */
    static String sendAgain(Plan plan, Outside refused) {
        String delta = refused.delta();
        List<String> keys = delta != null
                ? List.of(delta)
                : keys(plan.parts().stream()
                        .filter(part -> part instanceof Plan.Part.Deltas(int index, List<Plan.Delta> _)
                                && ChunkName.of(plan.batch(), index).equals(refused.chunk())));
        String again = "compactor enqueue --database " + plan.database() + deltas(keys);
        return switch (Objects.requireNonNullElse(refused.reason(), "")) {
            case "older-than-horizon" -> "if its records are still wanted, write them again as new deltas";
            case "contains-rolled-back-input" ->
                "send the deltas that were not rolled back as a new batch (" + again
                        + "), or let the others back in with compactor snapshot release";
            default -> "mend the deltas, then send them as a new batch: " + again;
        };
    }

    private static String deltas(List<String> keys) {
        return keys.isEmpty() || keys.size() > MOST_KEYS
                ? " --prefix …"
                : keys.stream().map(key -> " --delta " + key).collect(Collectors.joining());
    }

    private static List<String> keys(Stream<Plan.Part> parts) {
        return parts.filter(Plan.Part.Deltas.class::isInstance)
                .flatMap(part -> ((Plan.Part.Deltas) part).deltas().stream())
                .map(Plan.Delta::key)
                .toList();
    }
}
