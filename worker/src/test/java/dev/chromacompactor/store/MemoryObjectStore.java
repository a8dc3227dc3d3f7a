package dev.chromacompactor.store;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.PutOutcome.Lost;
import dev.chromacompactor.store.PutOutcome.Unknown;
import dev.chromacompactor.store.PutOutcome.Won;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A bucket in memory that passes the same contract suite as S3, and on which a test can make single calls go wrong.
 * {@link #fail} arms one fault for the next call that matches; {@link #onCall} sees every call before it happens and
 * may act in between, as another worker would.
 */
public final class MemoryObjectStore implements ObjectStore {
    private final String bucket;
    private final InstantSource clock;
    private final TreeMap<String, Content> objects = new TreeMap<>();
    private final List<Armed> armed = new ArrayList<>();
    private final List<OpenUpload> uploads = new ArrayList<>();
    private Consumer<Call> onCall = call -> {};

    public MemoryObjectStore(String bucket) {
        this(bucket, InstantSource.system());
    }

    public MemoryObjectStore(String bucket, InstantSource clock) {
        this.bucket = bucket;
        this.clock = clock;
    }

    /** As many buckets as are asked for. */
    public static ObjectStores stores() {
        Map<String, ObjectStore> buckets = new ConcurrentHashMap<>();
        return name -> buckets.computeIfAbsent(name, MemoryObjectStore::new);
    }

    /** A bucket of its own with the same objects, to see what else could have become of them. */
    public synchronized MemoryObjectStore copy() {
        var copy = new MemoryObjectStore(bucket, clock);
        copy.objects.putAll(objects);
        return copy;
    }

    public enum Kind {
        HEAD,
        READ,
        PUT,
        PUT_IF_ABSENT,
        PUT_IF_MATCH,
        COPY,
        LIST,
        DELETE
    }

    /** @param key or prefix; of a copy the one that is written */
    public record Call(Kind kind, String key) {}

    public enum Fault {
        /** 412 without cause: another's write came and went. */
        PRECONDITION_FAILED,
        /** 409 ConditionalRequestConflict, nothing written. */
        CONFLICT,
        /** 503 SlowDown, nothing done. */
        SLOW_DOWN,
        /** Done, but the answer got lost. */
        ANSWER_LOST
    }

    private record Armed(Predicate<Call> when, Fault fault) {}

    public synchronized void fail(Predicate<Call> when, Fault fault) {
        armed.add(new Armed(when, fault));
    }

    /** The next write of this kind and key. */
    public void fail(Kind kind, String key, Fault fault) {
        fail(new Call(kind, key)::equals, fault);
    }

    public synchronized void onCall(Consumer<Call> hook) {
        onCall = hook;
    }

    @Override
    public String bucket() {
        return bucket;
    }

    @Override
    public Optional<ObjectInfo> head(String key) {
        begin(Kind.HEAD, key);
        return get(key).map(Content::info);
    }

    @Override
    public Optional<Content> read(String key) {
        begin(Kind.READ, key);
        return get(key).map(c -> new Content(c.info(), c.bytes().clone()));
    }

    @Override
    public Optional<InputStream> open(String key) {
        begin(Kind.READ, key);
        return get(key).map(c -> new ByteArrayInputStream(c.bytes()));
    }

    private synchronized Optional<Content> get(String key) {
        return Optional.ofNullable(objects.get(key));
    }

    @Override
    public ObjectInfo download(String key, @Nullable String etag, Path target) {
        begin(Kind.READ, key);
        var content = get(key);
        if (etag != null && !content.map(c -> c.info().etag()).equals(Optional.of(etag))) {
            throw new FailureException(Blame.DOUBTFUL, "object-replaced", "download " + key + ": not " + etag);
        }
        var found = content.orElseThrow(
                () -> new FailureException(Blame.INPUT, "object-missing", "download " + key + ": no such object"));
        try {
            Files.write(target, found.bytes(), StandardOpenOption.CREATE_NEW);
        } catch (IOException e) {
            throw new FailureException(Blame.NODE, "file-exists", "download " + key + " to " + target, e);
        }
        return found.info();
    }

    @Override
    public String put(String key, byte[] body) {
        var fault = begin(Kind.PUT, key);
        var etag = write(key, body);
        if (fault == Fault.ANSWER_LOST) {
            throw new FailureException(Blame.DEPENDENCY, "s3-unreachable", "write " + key + ": timed out");
        }
        return etag;
    }

    @Override
    public String put(String key, Path file) {
        return put(key, bytes(file));
    }

    @Override
    public PutOutcome putIfAbsent(String key, byte[] body) {
        return conditionally(new Call(Kind.PUT_IF_ABSENT, key), body, null);
    }

    @Override
    public PutOutcome putIfAbsent(String key, Path file) {
        return putIfAbsent(key, bytes(file));
    }

    @Override
    public PutOutcome putIfMatch(String key, byte[] body, String etag) {
        return conditionally(new Call(Kind.PUT_IF_MATCH, key), body, etag);
    }

    private PutOutcome conditionally(Call call, byte[] body, @Nullable String etag) {
        var fault = next(call);
        if (fault == Fault.PRECONDITION_FAILED) {
            return new Lost();
        }
        if (fault == Fault.CONFLICT || fault == Fault.SLOW_DOWN) {
            return new Unknown(fault == Fault.CONFLICT ? "409 ConditionalRequestConflict" : "503 SlowDown");
        }
        synchronized (this) {
            var now = get(call.key()).map(c -> c.info().etag());
            if (!now.equals(Optional.ofNullable(etag))) {
                return new Lost();
            }
            var written = write(call.key(), body);
            return fault == Fault.ANSWER_LOST ? new Unknown("timed out") : new Won(written);
        }
    }

    private synchronized String write(String key, byte[] body) {
        var info = new ObjectInfo(key, md5(body), body.length, now());
        objects.put(key, new Content(info, body.clone()));
        return info.etag();
    }

    @Override
    public String copy(String source, String target) {
        var fault = begin(Kind.COPY, target);
        var content = get(source)
                .orElseThrow(() ->
                        new FailureException(Blame.INPUT, "object-missing", "copy " + source + ": no such object"));
        var etag = write(target, content.bytes());
        if (fault == Fault.ANSWER_LOST) {
            throw new FailureException(Blame.DEPENDENCY, "s3-unreachable", "copy to " + target + ": timed out");
        }
        return etag;
    }

    @Override
    public void list(String prefix, Consumer<ObjectInfo> each) {
        begin(Kind.LIST, prefix);
        List<ObjectInfo> found;
        synchronized (this) {
            found = objects.tailMap(prefix).values().stream()
                    .map(Content::info)
                    .takeWhile(o -> o.key().startsWith(prefix))
                    .toList();
        }
        found.forEach(each);
    }

    @Override
    public List<String> folders(String prefix) {
        var folders = new TreeSet<String>();
        list(prefix, o -> {
            int slash = o.key().indexOf('/', prefix.length());
            if (slash >= 0) {
                folders.add(o.key().substring(prefix.length(), slash + 1));
            }
        });
        return List.copyOf(folders);
    }

    @Override
    public void delete(Collection<String> keys) {
        for (var key : keys) {
            begin(Kind.DELETE, key);
            synchronized (this) {
                objects.remove(key);
            }
        }
    }

    /** As a worker leaves one behind that dies in the middle of an upload. */
    public synchronized void beginUpload(String key) {
        uploads.add(new OpenUpload(key, "upload-" + uploads.size(), now()));
    }

    @Override
    public void uploads(String prefix, Consumer<OpenUpload> each) {
        begin(Kind.LIST, prefix);
        List<OpenUpload> found;
        synchronized (this) {
            found = uploads.stream()
                    .filter(upload -> upload.key().startsWith(prefix))
                    .toList();
        }
        found.forEach(each);
    }

    @Override
    public void abort(OpenUpload upload) {
        begin(Kind.DELETE, upload.key());
        synchronized (this) {
            uploads.remove(upload);
        }
    }

    @Override
    public Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.SECONDS);
    }

    private @Nullable Fault begin(Kind kind, String key) {
        var call = new Call(kind, key);
        var fault = next(call);
        if (fault == Fault.SLOW_DOWN) {
            throw new FailureException(Blame.DEPENDENCY, "s3-throttled", call + ": 503 SlowDown");
        }
        return fault;
    }

    private @Nullable Fault next(Call call) {
        Consumer<Call> hook;
        synchronized (this) {
            hook = onCall;
        }
        hook.accept(call);
        synchronized (this) {
            for (var each : armed) {
                if (each.when().test(call)) {
                    armed.remove(each);
                    return each.fault();
                }
            }
            return null;
        }
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String md5(byte[] body) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(body));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
