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
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32;

/** Bodies on disk: each in a file of its own with a name of its own, written once. */
final class Spool {
    private final Path directory;

    Spool(Path directory) {
        this.directory = directory;
    }

    /**
     * @param md5 16 bytes
     * @param crc32 Base64, as the checksum header has it
     */
    record Body(Path file, long size, byte[] md5, String crc32) {
        String etag() {
            return '"' + HexFormat.of().formatHex(md5) + '"';
        }
    }

    /** Reads the stream to its end; nothing stays when that fails, as it does when a checksum in its trailer is wrong. */
    Body write(InputStream in) throws IOException {
        var md5 = digest("MD5");
        var crc32 = new CRC32();
        var file = newFile();
        long size = 0;
        boolean whole = false;
        try (in;
                var out = Files.newOutputStream(file)) {
            var buffer = new byte[64 << 10];
            for (int n; (n = in.read(buffer)) >= 0; size += n) {
                md5.update(buffer, 0, n);
                crc32.update(buffer, 0, n);
                out.write(buffer, 0, n);
            }
            whole = true;
        } finally {
            if (!whole) {
                delete(file);
            }
        }
        return new Body(file, size, md5.digest(), base64((int) crc32.getValue()));
    }

    private static String base64(int crc32) {
        return Base64.getEncoder()
                .encodeToString(ByteBuffer.allocate(Integer.BYTES).putInt(crc32).array());
    }

    Path copy(Path source) throws IOException {
        return Files.copy(source, newFile());
    }

    Path join(List<Path> parts) throws IOException {
        var file = newFile();
        try (var out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (var part : parts) {
                try (var in = FileChannel.open(part)) {
                    long size = in.size();
                    for (long at = 0; at < size; ) {
                        at += in.transferTo(at, size - at, out);
                    }
                }
            }
        }
        return file;
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
