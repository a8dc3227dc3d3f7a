package dev.chromacompactor.batch;

import dev.chromacompactor.snapshot.Lineage;
import dev.chromacompactor.snapshot.Live;
import dev.chromacompactor.snapshot.Manifest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What chunks have to fit to.
 *
 * @param collections that are there already
 * @param level schema level of the base; null if there is none: the input with the smallest stamp sets it
 */
public record Base(Lineage lineage, List<Manifest.Collection> collections, Manifest.@Nullable Level level) {
    public static final Base NONE = new Base(Lineage.EMPTY, List.of(), null);

    public Base {
        collections = List.copyOf(collections);
    }

    public static Base of(Live.Ours live) {
        Manifest.Contents contents = live.manifest().contents();
        return new Base(live.manifest().lineage(), contents.collections(), contents.level());
    }

    /** A base without a manifest of ours, as its database says. */
    public static Base foreign(List<Manifest.Collection> collections, Manifest.Level level) {
        return new Base(Lineage.EMPTY, collections, level);
    }
}
