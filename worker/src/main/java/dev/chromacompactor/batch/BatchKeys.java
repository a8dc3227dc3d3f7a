package dev.chromacompactor.batch;

import dev.chromacompactor.snapshot.ChunkName;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where the objects of a batch lie.
 *
 * <pre>
 * batches/&lt;batch&gt;/plan.json
 * batches/&lt;batch&gt;/chunk-&lt;i&gt;.json                                     receipt of a chunk
 * batches/&lt;batch&gt;/group-&lt;g&gt;.json                                     receipt of a group
 * batches/&lt;batch&gt;/published.json
 * batches/&lt;batch&gt;/swept.json                                         when an idle worker last looked after it
 * &lt;db&gt;/open/&lt;batch&gt;
 * intermediate/&lt;batch&gt;/chunk-&lt;i&gt;/chroma.sqlite3
 * intermediate/&lt;batch&gt;-group-&lt;g&gt;/merged/chroma.sqlite3             batch: the one of the message
 * intermediate/&lt;batch&gt;-batch-group-&lt;first&gt;/merged/chroma.sqlite3   several chunks in one message
 * </pre>
 */
public final class BatchKeys {
    /** The one object below the prefix of an intermediate. */
    public static final String DATABASE_FILE = "chroma.sqlite3";

    private static final Pattern CHUNK = Pattern.compile("intermediate/([^/]+)/chunk-(\\d{1,9})/");
    private static final Pattern GROUP = Pattern.compile("intermediate/([^/]+)-group-(\\d{1,9})/merged/");

    private BatchKeys() {}

    public static String plan(String batch) {
        return folder(batch) + "plan.json";
    }

    public static String chunkReceipt(String batch, int index) {
        return folder(batch) + "chunk-" + index + ".json";
    }

    public static String groupReceipt(String batch, int group) {
        return folder(batch) + "group-" + group + ".json";
    }

    public static String published(String batch) {
        return folder(batch) + "published.json";
    }

    public static String swept(String batch) {
        return folder(batch) + "swept.json";
    }

    public static String folder(String batch) {
        return "batches/" + batch + "/";
    }

    public static String openFolder(String database) {
        return database + "/open/";
    }

    public static String open(String database, String batch) {
        return openFolder(database) + batch;
    }

    /** Prefix of a chunk's intermediate, with a trailing slash. */
    public static String chunk(String batch, int index) {
        return "intermediate/" + batch + "/chunk-" + index + "/";
    }

    /** @param batch the batch of the message, which may itself end in {@code -group-<g>} */
    public static String group(String batch, int group) {
        return "intermediate/" + batch + "-group-" + group + "/merged/";
    }

    /** Where several chunks in one message go together. */
    public static String chunksTogether(String batch, int first) {
        return "intermediate/" + batch + "-batch-group-" + first + "/merged/";
    }

    /** The key of the database file below the prefix of an intermediate. */
    public static String databaseFile(String prefix) {
        return prefix + DATABASE_FILE;
    }

    /** The index of the chunk whose intermediate has this prefix, if it is one of this batch. */
    public static Optional<Integer> chunkIndex(String batch, String prefix) {
        Matcher matcher = CHUNK.matcher(prefix);
        return matcher.matches() && matcher.group(1).equals(batch)
                ? Optional.of(Integer.valueOf(matcher.group(2)))
                : Optional.empty();
    }

    /** The chunk whose intermediate has this prefix, of whatever batch. */
    public static Optional<ChunkName> chunkOf(String prefix) {
        Matcher matcher = CHUNK.matcher(prefix);
        return matcher.matches()
                ? Optional.of(ChunkName.of(matcher.group(1), Integer.parseInt(matcher.group(2))))
                : Optional.empty();
    }

    /** The receipt that an intermediate of this prefix would have, whatever batch it belongs to. */
    static Optional<String> receiptOf(String prefix) {
        Matcher chunk = CHUNK.matcher(prefix);
        if (chunk.matches()) {
            return Optional.of(chunkReceipt(chunk.group(1), Integer.parseInt(chunk.group(2))));
        }
        Matcher group = GROUP.matcher(prefix);
        return group.matches()
                ? Optional.of(groupReceipt(group.group(1), Integer.parseInt(group.group(2))))
                : Optional.empty();
    }
}
