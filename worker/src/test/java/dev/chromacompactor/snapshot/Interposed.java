package dev.chromacompactor.snapshot;

import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.PutOutcome;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A bucket in which a test does something between two calls. */
public class Interposed implements ObjectStore {
    private final ObjectStore below;

    public Interposed(ObjectStore below) {
        this.below = below;
    }

    @Override
    public String bucket() {
        return below.bucket();
    }

    @Override
    public Optional<ObjectInfo> head(String key) {
        return below.head(key);
    }

    @Override
    public Optional<Content> read(String key) {
        return below.read(key);
    }

    @Override
    public Optional<InputStream> open(String key) {
        return below.open(key);
    }

    @Override
    public ObjectInfo download(String key, @Nullable String etag, Path target) {
        return below.download(key, etag, target);
    }

    @Override
    public String put(String key, byte[] body) {
        return below.put(key, body);
    }

    @Override
    public String put(String key, Path file) {
        return below.put(key, file);
    }

    @Override
    public PutOutcome putIfAbsent(String key, byte[] body) {
        return below.putIfAbsent(key, body);
    }

    @Override
    public PutOutcome putIfAbsent(String key, Path file) {
        return below.putIfAbsent(key, file);
    }

    @Override
    public PutOutcome putIfMatch(String key, byte[] body, String etag) {
        return below.putIfMatch(key, body, etag);
    }

    @Override
    public String copy(String source, String target) {
        return below.copy(source, target);
    }

    @Override
    public void list(String prefix, Consumer<ObjectInfo> each) {
        below.list(prefix, each);
    }

    @Override
    public List<String> folders(String prefix) {
        return below.folders(prefix);
    }

    @Override
    public void delete(Collection<String> keys) {
        below.delete(keys);
    }

    @Override
    public void uploads(String prefix, Consumer<OpenUpload> each) {
        below.uploads(prefix, each);
    }

    @Override
    public void abort(OpenUpload upload) {
        below.abort(upload);
    }

    @Override
    public Instant now() {
        return below.now();
    }
}
