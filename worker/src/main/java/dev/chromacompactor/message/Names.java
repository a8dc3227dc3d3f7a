package dev.chromacompactor.message;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message.DeltaRef;
import dev.chromacompactor.message.Message.ObjectRef;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Names and keys in messages: what they may look like and what follows from them. */
public final class Names {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,128}");
    private static final Pattern COLLECTION = Pattern.compile("[A-Za-z0-9._-]{1,512}");
    private static final Pattern BUCKET = Pattern.compile("[A-Za-z0-9._-]{3,255}");
    private static final List<String> ARCHIVES = List.of(".tar.gz", ".tar.zst");
    private static final int MAX_KEY_BYTES = 1024;

    private Names() {}

    /** Whether this may be the name of a batch or a database: it becomes one segment of a key. */
    public static boolean isName(String name) {
        return NAME.matcher(name).matches() && !name.equals(".") && !name.equals("..");
    }

    /**
     * The database that deltas belong to: what stands before {@code /delta/} in their keys. Keys without it (older
     * producers' {@code delta/<id>/}) say nothing.
     *
     * @throws FailureException {@code missing-field} or {@code database-ambiguous}, naming {@code database}, if the keys
     *     name none or several
     */
    public static String databaseOf(Collection<DeltaRef> deltas) {
        var found = new TreeSet<String>();
        for (var delta : deltas) {
            var database = databaseOf(delta.key());
            if (database != null) {
                found.add(database);
            }
        }
        if (found.isEmpty()) {
            throw FailureException.input(
                    "missing-field",
                    "database is missing, and no delta key names one before /delta/"
                            + (deltas.isEmpty()
                                    ? ""
                                    : ": " + deltas.iterator().next().key()));
        }
        if (found.size() > 1) {
            throw FailureException.input(
                    "database-ambiguous",
                    "database is missing, and the delta keys name several: " + String.join(", ", found));
        }
        return found.first();
    }

    /** The part of a key before {@code /delta/}, if that is one name; else null. */
    public static @Nullable String databaseOf(String key) {
        int at = key.indexOf("/delta/");
        return at > 0 && isName(key.substring(0, at)) ? key.substring(0, at) : null;
    }

    static String name(Field field) {
        var name = field.text();
        if (!isName(name)) {
            throw field.invalid("must match [A-Za-z0-9._-]{1,128} and be neither . nor ..");
        }
        return name;
    }

    static @Nullable String findName(Field in, String name) {
        var field = in.find(name);
        return field == null ? null : name(field);
    }

    static @Nullable String findCollection(Field in) {
        var field = in.find("collection");
        return field == null ? null : collection(field);
    }

    static String collection(Field field) {
        var name = field.text();
        if (!COLLECTION.matcher(name).matches()) {
            throw field.invalid("must match [A-Za-z0-9._-]{1,512}");
        }
        return name;
    }

    /** The object that {@code <what>_s3_key} and {@code <what>_s3_bucket} name, null without a key. */
    static @Nullable ObjectRef findObject(Field in, String what) {
        var bucket = in.find(what + "_s3_bucket");
        var key = in.find(what + "_s3_key");
        if (bucket != null) {
            checkBucket(bucket, bucket.text());
        }
        if (key == null) {
            return null;
        }
        var object = locate(key);
        return object.bucket() == null && bucket != null ? new ObjectRef(bucket.text(), object.key()) : object;
    }

    /** A key, or {@code s3://bucket/key}; leading, doubled and dotted segments are refused, a trailing slash is kept. */
    static ObjectRef locate(Field field) {
        var text = field.text();
        if (!text.startsWith("s3://")) {
            return new ObjectRef(null, checkKey(field, text));
        }
        int slash = text.indexOf('/', 5);
        if (slash < 0) {
            throw field.invalid("must name a key after the bucket");
        }
        var bucket = text.substring(5, slash);
        checkBucket(field, bucket);
        return new ObjectRef(bucket, checkKey(field, text.substring(slash + 1)));
    }

    /**
     * Where a delta lies: a prefix of files, made to end in a slash so that {@code abc} never matches {@code abc1/}, or
     * an archive's whole key. Prefixes that would match every delta are refused.
     */
    static ObjectRef delta(Field field, @Nullable String database) {
        var at = locate(field);
        var key = at.key();
        if (isArchive(key)) {
            return at;
        }
        var bare = key.endsWith("/") ? key.substring(0, key.length() - 1) : key;
        var last = bare.substring(bare.lastIndexOf('/') + 1);
        if (last.equals("delta") || bare.equals(database)) {
            throw field.invalid("names no delta and would match all of them");
        }
        return new ObjectRef(at.bucket(), bare + "/");
    }

    static boolean isArchive(String key) {
        return ARCHIVES.stream().anyMatch(key::endsWith);
    }

    private static String checkKey(Field field, String key) {
        if (key.isEmpty()) {
            throw field.invalid("must not be empty");
        }
        if (key.getBytes(StandardCharsets.UTF_8).length > MAX_KEY_BYTES) {
            throw field.invalid("must be a key of at most " + MAX_KEY_BYTES + " bytes");
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(key) || key.chars().anyMatch(Character::isISOControl)) {
            throw field.invalid("must be a key without control characters and lone surrogates");
        }
        var bare = key.endsWith("/") ? key.substring(0, key.length() - 1) : key;
        for (var segment : bare.split("/", -1)) {
            if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
                throw field.invalid("must be a key without empty, . or .. segments");
            }
        }
        return key;
    }

    private static void checkBucket(Field field, String bucket) {
        if (!BUCKET.matcher(bucket).matches()) {
            throw field.invalid("must name a bucket");
        }
    }
}
