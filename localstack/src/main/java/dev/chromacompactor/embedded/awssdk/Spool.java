package dev.chromacompactor.embedded.awssdk;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.UUID;
import java.util.zip.CRC32;
import org.gaul.s3proxy.blobstore.S3Exceptions;
import org.jspecify.annotations.Nullable;

/**
 * Bodies on disk: each in a file of its own with a name of its own, written once. The parts of an upload share one, which
 * is the object's in the end.
 */
final class Spool {
    private final Path directory;

    Spool(Path directory) {
        this.directory = directory;
    }

    /**
     * @param md5 16 bytes
     * @param crc32 Base64, as the checksum header has it
     */
    record Body(Path file, Piece piece, byte[] md5, String crc32) {
        long size() {
            return piece.length();
        }

        String etag() {
            return '"' + HexFormat.of().formatHex(md5) + '"';
        }
    }

    /** Reads the stream to its end; nothing stays when that fails, as it does when a checksum in its trailer is wrong. */
    Body write(InputStream in, @Nullable String contentMd5) {
        var file = create();
        boolean whole = false;
        try {
            var body = write(in, contentMd5, file, 0);
            whole = true;
            return body;
        } finally {
            if (!whole) {
                delete(file);
            }
        }
    }

    /** The same at a place in a file that is there; when that fails, nobody is told of what stays at that place. */
    static Body write(InputStream in, @Nullable String contentMd5, Path file, long from) {
        var md5 = digest("MD5");
        var crc32 = new CRC32();
        long at = from;
        try (in;
                var out = FileChannel.open(file, StandardOpenOption.WRITE)) {
            var buffer = new byte[64 << 10];
            for (int n; (n = in.read(buffer)) >= 0; ) {
                md5.update(buffer, 0, n);
                crc32.update(buffer, 0, n);
                for (var bytes = ByteBuffer.wrap(buffer, 0, n); bytes.hasRemaining(); ) {
                    at += out.write(bytes, at);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var body = new Body(file, new Piece(from, at - from), md5.digest(), base64((int) crc32.getValue()));
        if (contentMd5 != null && !contentMd5.equals(Base64.getEncoder().encodeToString(body.md5()))) {
            throw S3Exceptions.fromStatusCode(400); // BadDigest
        }
        return body;
    }

    /** A new file, empty. */
    Path create() {
        try {
            return Files.createFile(newFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String base64(int crc32) {
        return Base64.getEncoder()
                .encodeToString(ByteBuffer.allocate(Integer.BYTES).putInt(crc32).array());
    }

    Path copy(Path source) {
        try {
            return Files.copy(source, newFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path newFile() {
        return directory.resolve(UUID.randomUUID().toString());
    }
}
