package dev.chromacompactor.store;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * The local half of a download: bytes go to {@code <target>.part}, which becomes the target only when whole. A crash
 * leaves at most the part file, never a short target.
 */
final class Download implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Download.class);
    private static final int BUFFER = 128 << 10;

    private final String doing;
    private final Path target;
    private final Path part;

    Download(String doing, Path target) {
        this(doing, target, target.resolveSibling(target.getFileName() + ".part"));
    }

    Download(String doing, Path target, Path part) {
        this.doing = doing;
        this.target = target;
        this.part = part;
        if (Files.exists(target)) {
            throw new FailureException(
                    Blame.NODE,
                    "file-exists",
                    doing + ": " + target + " is there already",
                    new FileAlreadyExistsException(target.toString()));
        }
    }

    /** Called by the SDK once an attempt: a connection that breaks here is retried from the start. */
    GetObjectResponse receive(GetObjectResponse response, InputStream body) {
        long received = 0;
        try (var out = open()) {
            var buffer = new byte[BUFFER];
            for (int n; (n = read(body, buffer)) >= 0; received += n) {
                write(out, buffer, n);
            }
        } catch (IOException e) {
            throw disk(e);
        }
        var promised = response.contentLength();
        if (promised != null && received != promised) {
            throw new FailureException(
                    Blame.DOUBTFUL, "download-corrupt", doing + ": " + received + " bytes of " + promised);
        }
        return response;
    }

    void keep() {
        try {
            Files.move(part, target);
        } catch (IOException e) {
            throw disk(e);
        }
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(part);
        } catch (IOException e) {
            log.atWarn().addKeyValue("file", part).setCause(e).log("part of a download left behind");
        }
    }

    private FileChannel open() throws IOException {
        return FileChannel.open(
                part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
    }

    private int read(InputStream body, byte[] buffer) {
        try {
            return body.read(buffer);
        } catch (IOException e) {
            throw RetryableException.builder()
                    .message(doing + ": the connection broke")
                    .cause(e)
                    .build();
        }
    }

    private static void write(FileChannel out, byte[] buffer, int length) throws IOException {
        var bytes = ByteBuffer.wrap(buffer, 0, length);
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private FailureException disk(IOException e) {
        return FailureException.disk(doing + " to " + target, e);
    }
}
