package dev.chromacompactor.archive;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.commons.compress.compressors.zstandard.ZstdCompressorInputStream;
import org.jspecify.annotations.Nullable;

/** One archive on its way into one folder. Knows where it is, so that a failure names the member. */
final class Unpacking {
    private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*", Pattern.DOTALL);
    private static final int MAX_LAYERS = 2;
    private static final int MAX_HEADER_BYTES = 64 << 10;
    private static final int MAX_DEPTH = 8;
    private static final int BLOCK = 512;

    private final Path archive;
    private final Path dir;
    private final Archives.Limits limits;
    private final LongConsumer beforeWriting;
    private String member = "";
    private int entries;
    private long bytes;

    Unpacking(Path archive, Path dir, Archives.Limits limits, LongConsumer beforeWriting) {
        this.archive = archive;
        this.dir = dir;
        this.limits = limits;
        this.beforeWriting = beforeWriting;
    }

    /** @throws IOException if the disk fails; whatever the archive does is a {@code FailureException} */
    void run() throws IOException {
        try (var file = Files.newInputStream(archive);
                var content = decompressed(file);
                var tar = new TarArchiveInputStream(content, BLOCK, BLOCK, StandardCharsets.UTF_8.name())) {
            for (var entry = next(tar, content); entry != null; entry = next(tar, content)) {
                unpack(entry, tar);
            }
            readToEnd(content);
        }
    }

    /** Undoes up to two layers of compression, whatever the name says. */
    private Gauge decompressed(InputStream file) throws IOException {
        long size = Files.size(archive);
        var in = new BufferedInputStream(file, 1 << 16);
        for (int layer = 0; ; layer++) {
            var unpacked = layer(in);
            if (unpacked == null) {
                return new Gauge(in, name(), size, limits);
            }
            if (layer == MAX_LAYERS) {
                throw unsafe("is compressed more than " + MAX_LAYERS + " times");
            }
            in = new BufferedInputStream(new Gauge(unpacked, name(), size, limits), 1 << 16);
        }
    }

    private @Nullable InputStream layer(BufferedInputStream in) {
        try {
            in.mark(8);
            var magic = in.readNBytes(4);
            in.reset();
            if (magic.length >= 2 && (magic[0] & 0xff) == 0x1f && (magic[1] & 0xff) == 0x8b) {
                return GzipCompressorInputStream.builder()
                        .setInputStream(in)
                        .setDecompressConcatenated(true)
                        .get();
            }
            boolean zstd = magic.length == 4
                    && (magic[0] & 0xff) == 0x28
                    && (magic[1] & 0xff) == 0xb5
                    && (magic[2] & 0xff) == 0x2f
                    && (magic[3] & 0xff) == 0xfd;
            return zstd ? new ZstdCompressorInputStream(in) : null;
        } catch (IOException e) {
            throw corrupt(e);
        }
    }

    private @Nullable TarArchiveEntry next(TarArchiveInputStream tar, Gauge content) {
        TarArchiveEntry entry;
        try {
            content.expectHeader(MAX_HEADER_BYTES);
            entry = tar.getNextEntry();
            content.expectBody();
        } catch (IOException | IllegalArgumentException e) {
            throw corrupt(e);
        }
        if (entry == null) {
            return null;
        }
        member = shown(entry.getName());
        entries++;
        if (entries > limits.entries()) {
            throw tooLarge("has more than " + limits.entries() + " members");
        }
        if (!entry.isCheckSumOK()) {
            throw corrupt(new IOException("the checksum of the header is wrong"));
        }
        return entry;
    }

    private void unpack(TarArchiveEntry entry, TarArchiveInputStream tar) throws IOException {
        var target = target(entry.getName());
        if (entry.isDirectory()) {
            createFolder(target);
            return;
        }
        if (!isPlainFile(entry) || entry.isSparse()) {
            throw unsafe("is neither a file nor a folder (type '" + (char) entry.getLinkFlag() + "')");
        }
        if (target.equals(dir) || Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            throw unsafe("stands there twice");
        }
        createFolder(target.getParent());
        beforeWriting.accept(Math.min(bytes + entry.getSize(), most()));
        try (var out = Files.newOutputStream(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            var buffer = new byte[1 << 16];
            for (int n = read(tar, buffer); n >= 0; n = read(tar, buffer)) {
                bytes += n;
                if (bytes > limits.bytes()) {
                    throw tooLarge("brings the files to more than " + limits.bytes() + " bytes");
                }
                out.write(buffer, 0, n);
            }
        }
    }

    /** What the limits let it write at all, however much its headers promise. */
    private long most() throws IOException {
        return Math.min(limits.bytes(), Math.max(limits.freeBytes(), limits.ratio() * Files.size(archive)));
    }

    private void createFolder(@Nullable Path folder) throws IOException {
        try {
            if (folder != null) {
                Files.createDirectories(folder);
            }
        } catch (FileAlreadyExistsException e) {
            throw unsafe("needs a folder where there is a file");
        }
    }

    private static boolean isPlainFile(TarArchiveEntry entry) {
        return switch (entry.getLinkFlag()) {
            case TarConstants.LF_OLDNORM, TarConstants.LF_NORMAL, TarConstants.LF_CONTIG -> true;
            default -> false;
        };
    }

    private Path target(String name) {
        if (name.startsWith("/")
                || name.indexOf('\\') >= 0
                || DRIVE.matcher(name).matches()) {
            throw unsafe("is an absolute path, or one of another system");
        }
        if (name.isEmpty() || name.chars().anyMatch(Character::isISOControl)) {
            throw unsafe("has no name, or control characters in it");
        }
        var path = dir;
        int depth = 0;
        for (var segment : name.split("/", -1)) {
            if (segment.isEmpty() || segment.equals(".")) {
                continue;
            }
            if (segment.equals("..") || ++depth > MAX_DEPTH) {
                throw unsafe("leads out of the folder, or deeper than " + MAX_DEPTH + " levels");
            }
            try {
                path = path.resolve(segment);
            } catch (InvalidPathException e) {
                throw unsafe("cannot be the name of a file here: " + e.getReason());
            }
        }
        return path;
    }

    private int read(InputStream in, byte[] buffer) {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw corrupt(e);
        }
    }

    /** The checksums of the compression come last, and a tar ends in zeros: one that does not was cut. */
    private void readToEnd(Gauge content) {
        member = "";
        var buffer = new byte[1 << 16];
        for (int n = read(content, buffer); n >= 0; n = read(content, buffer)) {
            if (content.zerosAtEnd() < n) {
                throw corrupt(new IOException("something follows after its end"));
            }
        }
        if (entries == 0 || content.zerosAtEnd() < BLOCK) {
            throw corrupt(new IOException(entries == 0 ? "no tar, or an empty one" : "it ends without an end mark"));
        }
    }

    private FailureException corrupt(Exception e) {
        return new FailureException(Blame.INPUT, "archive-corrupt", where() + " is corrupt: " + e.getMessage(), e);
    }

    private FailureException unsafe(String why) {
        return FailureException.input("archive-unsafe", where() + " " + why);
    }

    private FailureException tooLarge(String why) {
        return FailureException.input("archive-too-large", where() + " " + why);
    }

    private String where() {
        return member.isEmpty() ? name() : name() + ", member " + member;
    }

    private String name() {
        return String.valueOf(archive.getFileName());
    }

    private static String shown(String name) {
        var clean = name.replaceAll("\\p{Cntrl}", "?");
        return clean.length() <= 200 ? clean : clean.substring(0, 200) + "…";
    }
}
