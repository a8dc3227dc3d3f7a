package dev.chromacompactor.batch;

import dev.chromacompactor.batch.Standing.Group;
import dev.chromacompactor.batch.Standing.Item;
import dev.chromacompactor.batch.Standing.State;
import dev.chromacompactor.batch.Take.Fold;
import dev.chromacompactor.snapshot.ChunkName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Puts a group's output in the place of the chunks in it. Only after each of them was chosen by itself, and only if the
 * output holds just these, as they are now; so with groups a version takes in the same as without.
 */
final class Grouping {
    private final Map<ChunkName, Fold> chosen = new HashMap<>();

    private Grouping(List<Fold> folds) {
        folds.forEach(fold -> chosen.put(fold.name(), fold));
    }

    /** The same folds, some of them together. A group stands where the first of its chunks stood. */
    static List<Fold> of(List<Fold> folds, Collection<Standing> batches) {
        var grouping = new Grouping(folds);
        Map<ChunkName, Fold> instead = new HashMap<>();
        for (Standing batch : batches) {
            for (Group group : batch.groups()) {
                grouping.output(batch, group)
                        .ifPresent(output -> output.members().forEach(member -> instead.put(member.name(), output)));
            }
        }
        return folds.stream()
                .map(fold -> instead.getOrDefault(fold.name(), fold))
                .distinct()
                .toList();
    }

    private Optional<Fold> output(Standing batch, Group group) {
        if (!(group.state() instanceof State.Done(String key, String etag, Receipt receipt)) || receipt == null) {
            return Optional.empty();
        }
        Set<List<String>> held = new HashSet<>();
        receipt.inputs()
                .forEach(input -> held.add(List.of(
                        BatchKeys.databaseFile(input.key()), Objects.requireNonNullElse(input.identity(), ""))));
        List<Fold> members = new ArrayList<>();
        Set<List<String>> found = new HashSet<>();
        for (Item item : batch.items(group)) {
            if (item.state() instanceof State.Done done && held.contains(List.of(done.key(), done.etag()))) {
                Fold member = chosen.get(item.name());
                if (member == null) {
                    return Optional.empty(); // refused, or taken out: what is together cannot be taken apart
                }
                members.add(member);
                found.add(List.of(done.key(), done.etag()));
            }
        }
        return found.equals(held) && !held.isEmpty()
                ? Optional.of(new Fold(
                        batch.batch(),
                        ChunkName.anonymous(BatchKeys.group(batch.batch(), group.index()), etag),
                        key,
                        etag,
                        receipt,
                        members))
                : Optional.empty();
    }
}
