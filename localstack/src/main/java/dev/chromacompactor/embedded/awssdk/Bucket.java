package dev.chromacompactor.embedded.awssdk;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.gaul.s3proxy.blobstore.S3Exceptions;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.NoSuchUploadException;

/**
 * The objects and unfinished uploads of one bucket. Bodies are on disk before they get here, so each method is short,
 * and all hold the same lock: a condition is judged and its write applied in one step, which is the whole point.
 */
final class Bucket {
    /** S3 lists by the bytes of the UTF-8 form. */
    private static final Comparator<String> BY_UTF8 =
            Comparator.comparing((String key) -> key.getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);

    final String name;
    final Instant created = Instant.now();
    private final NavigableMap<String, StoredObject> objects = new TreeMap<>(BY_UTF8);
    private final Map<String, Upload> uploads = new HashMap<>();

    Bucket(String name) {
        this.name = name;
    }

    /**
     * An upload that is neither completed nor aborted. Each part lies where there was room when it began to arrive, so
     * that nothing has to be moved in the end: the object names its pieces in their order. A part sent again leaves a gap.
     *
     * @param file of all parts, the object's in the end
     * @param end where in the file there is room
     */
    record Upload(
            String id,
            CreateMultipartUploadRequest request,
            Instant begun,
            Path file,
            AtomicLong end,
            NavigableMap<Integer, Part> parts) {}

    record Part(Spool.Body body, Instant uploaded) {}

    record Opened(StoredObject object, InputStream body) {}

    /** @param next where the next page begins, null at the end */
    record Page(
            List<Map.Entry<String, StoredObject>> objects,
            Set<String> folders,
            @Nullable String next) {}

    synchronized StoredObject get(String key) {
        var object = objects.get(key);
        if (object == null) {
            throw S3Exceptions.noSuchKey(name, key, null);
        }
        return object;
    }

    /**
     * An object and what is wanted of its body; what the object is and what is read are one, whatever is written
     * meanwhile.
     */
    synchronized Opened open(String key, Function<StoredObject, List<Piece>> wanted) {
        var object = get(key);
        var pieces = wanted.apply(object);
        try {
            return new Opened(object, new Pieces(FileChannel.open(object.file()), pieces));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes if the conditions hold; if not, the new body is thrown away. */
    synchronized void put(String key, StoredObject object, @Nullable String ifMatch, @Nullable String ifNoneMatch) {
        boolean written = false;
        try {
            check(key, ifMatch, ifNoneMatch);
            var old = objects.put(key, object);
            written = true;
            if (old != null) {
                Spool.delete(old.file()); // whoever reads it now keeps reading
            }
        } finally {
            if (!written) {
                Spool.delete(object.file());
            }
        }
    }

    private void check(String key, @Nullable String ifMatch, @Nullable String ifNoneMatch) {
        var now = objects.get(key);
        if (ifNoneMatch != null && now != null && (ifNoneMatch.equals("*") || sameEtag(ifNoneMatch, now.etag()))) {
            throw S3Exceptions.preconditionFailed(null);
        }
        if (ifMatch == null) {
            return;
        }
        if (now == null) {
            throw S3Exceptions.noSuchKey(name, key, "If-Match on a missing key");
        }
        if (!ifMatch.equals("*") && !sameEtag(ifMatch, now.etag())) {
            throw S3Exceptions.preconditionFailed(null);
        }
    }

    synchronized void remove(String key, @Nullable String ifMatch) {
        if (ifMatch != null) {
            check(key, ifMatch, null);
        }
        var old = objects.remove(key);
        if (old != null) {
            Spool.delete(old.file());
        }
    }

    synchronized boolean isEmpty() {
        return objects.isEmpty() && uploads.isEmpty();
    }

    synchronized Page list(String prefix, @Nullable String delimiter, @Nullable String after, int limit) {
        var found = new ArrayList<Map.Entry<String, StoredObject>>();
        var folders = new TreeSet<>(BY_UTF8);
        String last = after;
        var entry = after == null || BY_UTF8.compare(after, prefix) < 0
                ? objects.ceilingEntry(prefix)
                : objects.higherEntry(after);
        while (entry != null && entry.getKey().startsWith(prefix)) {
            var folder = folder(entry.getKey(), prefix.length(), delimiter);
            var name = folder == null ? entry.getKey() : folder;
            if (!name.equals(last)) { // equal: the page before ended with this folder
                if (found.size() + folders.size() == limit) {
                    return new Page(found, folders, last);
                }
                if (folder == null) {
                    found.add(entry);
                } else {
                    folders.add(folder);
                }
                last = name;
            }
            entry = folder == null ? objects.higherEntry(name) : objects.ceilingEntry(behind(folder));
        }
        return new Page(found, folders, null);
    }

    private static @Nullable String folder(String key, int from, @Nullable String delimiter) {
        if (delimiter == null || delimiter.isEmpty()) {
            return null;
        }
        int cut = key.indexOf(delimiter, from);
        return cut < 0 ? null : key.substring(0, cut + delimiter.length());
    }

    /** The least text that is larger than all that begin with {@code folder}. */
    private static String behind(String folder) {
        int last = folder.length() - 1;
        return folder.substring(0, last) + (char) (folder.charAt(last) + 1);
    }

    /** @param file empty, the upload's from now on */
    synchronized Upload begin(CreateMultipartUploadRequest request, Path file) {
        var id = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(UUID.randomUUID().toString().getBytes(StandardCharsets.UTF_8));
        var upload = new Upload(id, request, Instant.now(), file, new AtomicLong(), new TreeMap<>());
        uploads.put(id, upload);
        return upload;
    }

    synchronized @Nullable Upload upload(String id) {
        return uploads.get(id);
    }

    synchronized List<Upload> uploads() {
        return List.copyOf(uploads.values());
    }

    synchronized void addPart(String id, int number, Spool.Body body) {
        var upload = uploads.get(id);
        if (upload == null) {
            throw noSuchUpload(id);
        }
        upload.parts().put(number, new Part(body, Instant.now()));
    }

    /** The object appears and the upload is gone in one step; refused, the parts stay for another try. */
    synchronized void complete(
            Upload upload, StoredObject object, @Nullable String ifMatch, @Nullable String ifNoneMatch) {
        if (!uploads.containsKey(upload.id())) {
            throw noSuchUpload(upload.id());
        }
        check(upload.request().key(), ifMatch, ifNoneMatch);
        uploads.remove(upload.id());
        put(upload.request().key(), object, null, null);
    }

    synchronized void abort(String id) {
        var upload = uploads.remove(id);
        if (upload == null) {
            throw noSuchUpload(id);
        }
        Spool.delete(upload.file());
    }

    static boolean sameEtag(String a, String b) {
        return a.replace("\"", "").equals(b.replace("\"", ""));
    }

    static NoSuchUploadException noSuchUpload(String id) {
        return NoSuchUploadException.builder()
                .message("no upload " + id)
                .statusCode(404)
                .awsErrorDetails(
                        AwsErrorDetails.builder().errorCode("NoSuchUpload").build())
                .build();
    }
}
