package dev.chromacompactor.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chromacompactor.archive.Archives.Limits;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.zstandard.ZstdCompressorOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArchivesTest {
    @TempDir
    Path temp;

    private Path target;

    @BeforeEach
    void make_the_target() throws IOException {
        target = Files.createDirectory(temp.resolve("target"));
    }

    /** A tar under construction; every member is written as it is told, however wrong. */
    private static final class Tar {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final TarArchiveOutputStream out = new TarArchiveOutputStream(bytes, UTF_8.name());

        Tar() {
            out.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            out.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
            out.setAddPaxHeadersForNonAsciiNames(true);
        }

        Tar folder(String name) throws IOException {
            return entry(name, TarConstants.LF_DIR, new byte[0]);
        }

        Tar file(String name, String content) throws IOException {
            return entry(name, TarConstants.LF_NORMAL, content.getBytes(UTF_8));
        }

        Tar entry(String name, byte type, byte[] content) throws IOException {
            var entry = new TarArchiveEntry(name, type, true);
            entry.setSize(content.length);
            entry.setModTime(1_700_000_000_123L);
            if (type == TarConstants.LF_SYMLINK || type == TarConstants.LF_LINK) {
                entry.setLinkName("/etc/passwd");
            }
            out.putArchiveEntry(entry);
            out.write(content);
            out.closeArchiveEntry();
            return this;
        }

        byte[] tar() throws IOException {
            out.finish();
            return bytes.toByteArray();
        }

        byte[] gz() throws IOException {
            return ArchivesTest.gz(tar());
        }

        byte[] zst() throws IOException {
            return ArchivesTest.zst(tar());
        }
    }

    private static Tar database() throws IOException {
        return new Tar()
                .folder("./")
                .folder("./0d1c2b3a-0000-4000-8000-000000000001/")
                .file("./0d1c2b3a-0000-4000-8000-000000000001/data_level0.bin", "level0")
                .file("./chroma.sqlite3", "SQLite format 3");
    }

    private static final Map<String, String> DATABASE = Map.of(
            "0d1c2b3a-0000-4000-8000-000000000001/data_level0.bin", "level0", "chroma.sqlite3", "SQLite format 3");

    private static byte[] gz(byte[] content) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            out.write(content);
        }
        return bytes.toByteArray();
    }

    private static byte[] zst(byte[] content) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (OutputStream out = new ZstdCompressorOutputStream(bytes)) {
            out.write(content);
        }
        return bytes.toByteArray();
    }

    @Test
    void whoever_counts_the_bytes_hears_of_each_member_before_it_is_written_and_may_refuse() throws IOException {
        Path archive = Files.write(temp.resolve("delta.tar.gz"), database().gz());
        var told = new ArrayList<Long>();
        Archives.unpack(archive, target, Limits.DEFAULT, bytes -> {
            assertThat(told).as("before").hasSize(count(target));
            told.add(bytes);
        });
        assertThat(told).containsExactly(6L, 21L);

        Path other = Files.createDirectory(temp.resolve("other"));
        assertThatThrownBy(() -> Archives.unpack(archive, other, Limits.DEFAULT, bytes -> {
                    if (bytes > 6) {
                        throw new IllegalStateException("no room");
                    }
                }))
                .hasMessage("no room");
        assertThat(other).isEmptyDirectory();
    }

    private static int count(Path directory) {
        try (var tree = Files.walk(directory)) {
            return (int) tree.filter(Files::isRegularFile).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, String> unpack(byte[] archive) throws IOException {
        return unpack(archive, Limits.DEFAULT);
    }

    private Map<String, String> unpack(byte[] archive, Limits limits) throws IOException {
        Archives.unpack(Files.write(temp.resolve("delta.tar.gz"), archive), target, limits);
        return files();
    }

    private Map<String, String> files() throws IOException {
        var files = new TreeMap<String, String>();
        try (var tree = Files.walk(target)) {
            for (var path : tree.filter(Files::isRegularFile).toList()) {
                files.put(target.relativize(path).toString(), Files.readString(path));
            }
        }
        return files;
    }

    /** The permanent failure of unpacking; nothing may be left of the try, inside and outside. */
    private Failure refusal(byte[] archive, Limits limits) {
        var thrown = catchThrowableOfType(FailureException.class, () -> unpack(archive, limits));
        assertThat(thrown).as("a refusal").isNotNull();
        assertThat(target).isEmptyDirectory();
        assertThat(temp.toFile().list()).containsExactlyInAnyOrder("target", "delta.tar.gz");
        assertThat(thrown.failure().blame()).isEqualTo(Blame.INPUT);
        assertThat(thrown.failure().message()).startsWith("delta.tar.gz");
        return thrown.failure();
    }

    private Failure refusal(byte[] archive) {
        return refusal(archive, Limits.DEFAULT);
    }

    @Test
    void the_suffix_tells_an_archive() {
        assertThat(List.of("words/delta/a/delta.tar.gz", "snapshot.tar.gz", "a.tar.zst"))
                .allMatch(Archives::isArchive);
        assertThat(List.of("words/delta/a/", "chroma.sqlite3", ".tar.gz", "a.tar", "a.tar.gz/", "a.zip"))
                .noneMatch(Archives::isArchive);
    }

    @Test
    void gzip_and_zstd_are_told_by_content() throws IOException {
        assertThat(unpack(database().gz())).isEqualTo(DATABASE);
        setUpAgain();
        assertThat(unpack(database().zst())).isEqualTo(DATABASE);
    }

    @Test
    void a_layer_of_compression_too_many_or_too_few_is_no_matter() throws IOException {
        assertThat(unpack(gz(database().gz()))).isEqualTo(DATABASE);
        setUpAgain();
        assertThat(unpack(gz(database().zst()))).isEqualTo(DATABASE);
        setUpAgain();
        assertThat(unpack(database().tar())).isEqualTo(DATABASE);
        setUpAgain();
        assertThat(refusal(gz(gz(database().gz()))).reason()).isEqualTo("archive-unsafe");
    }

    private void setUpAgain() throws IOException {
        target = Files.createDirectories(temp.resolve("target"));
        try (var tree = Files.walk(target)) {
            for (var path : tree.sorted(Comparator.reverseOrder()).toList()) {
                if (!path.equals(target)) {
                    Files.delete(path);
                }
            }
        }
    }

    @Test
    void concatenated_gzip_members_are_one_stream() throws IOException {
        var tar = database().tar();
        var both = new ByteArrayOutputStream();
        both.write(gz(Arrays.copyOf(tar, 700)));
        both.write(gz(Arrays.copyOfRange(tar, 700, tar.length)));
        assertThat(unpack(both.toByteArray())).isEqualTo(DATABASE);
    }

    @Test
    void what_the_command_tar_writes_is_read() throws Exception {
        var source = Files.createDirectories(temp.resolve("source/0d1c"));
        Files.writeString(source.resolve("data_level0.bin"), "level0");
        Files.writeString(source.resolveSibling("chroma.sqlite3"), "SQLite format 3");
        var archive = temp.resolve("by-tar.tar.gz");
        var tar = new ProcessBuilder(
                        "tar", "-C", temp.resolve("source").toString(), "--format=pax", "-czf", archive.toString(), ".")
                .inheritIO()
                .start();
        assertThat(tar.waitFor()).isZero();
        Archives.unpack(archive, target, Limits.DEFAULT);
        assertThat(files()).isEqualTo(Map.of("0d1c/data_level0.bin", "level0", "chroma.sqlite3", "SQLite format 3"));
    }

    @Test
    void long_and_odd_names_are_kept() throws IOException {
        var name = "ü ö/" + "n".repeat(150) + "/data.bin";
        assertThat(unpack(new Tar().file(name, "x").gz())).isEqualTo(Map.of(name, "x"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil",
                "a/../../evil",
                "a/..",
                "./../evil",
                "/etc/evil",
                "//etc/evil",
                "..\\evil",
                "a\\b",
                "C:/evil",
                "c:evil",
                "1/2/3/4/5/6/7/8/9",
                "new\nline",
            })
    void a_path_that_leads_out_is_refused(String name) throws IOException {
        var failure = refusal(database().file(name, "evil").gz());
        assertThat(failure.reason()).isEqualTo("archive-unsafe");
        assertThat(failure.message()).contains("member " + name.replace('\n', '?'));
    }

    @ParameterizedTest
    @ValueSource(
            bytes = {
                TarConstants.LF_SYMLINK,
                TarConstants.LF_LINK,
                TarConstants.LF_FIFO,
                TarConstants.LF_CHR,
                TarConstants.LF_BLK,
                'Z'
            })
    void what_is_neither_file_nor_folder_is_refused(byte type) throws IOException {
        var failure = refusal(database().entry("thing", type, new byte[0]).gz());
        assertThat(failure.reason()).isEqualTo("archive-unsafe");
        assertThat(failure.message()).contains("member thing", "type '" + (char) type + "'");
    }

    @Test
    void a_member_that_stands_there_twice_is_refused() throws IOException {
        assertThat(refusal(database().file("chroma.sqlite3", "other").gz()).message())
                .contains("member chroma.sqlite3", "twice");
        assertThat(refusal(database().file("chroma.sqlite3/inside", "x").gz()).reason())
                .isEqualTo("archive-unsafe");
        assertThat(refusal(database().folder("chroma.sqlite3/").gz()).reason()).isEqualTo("archive-unsafe");
        assertThat(refusal(database()
                                .file("0d1c2b3a-0000-4000-8000-000000000001", "x")
                                .gz())
                        .reason())
                .isEqualTo("archive-unsafe");
        assertThat(refusal(database().file(".", "x").gz()).reason()).isEqualTo("archive-unsafe");
    }

    @Test
    void members_bytes_and_ratio_are_limited() throws IOException {
        var limits = new Limits(4, 30, 100, 1 << 20);
        assertThat(unpack(database().gz(), limits)).isEqualTo(DATABASE);
        setUpAgain();
        assertThat(refusal(database().file("more", "").gz(), limits).message()).contains("member more", "4 members");
        var large = refusal(new Tar().file("large", "x".repeat(31)).gz(), limits);
        assertThat(large.reason()).isEqualTo("archive-too-large");
        assertThat(large.message()).contains("member large", "30 bytes");
    }

    @ParameterizedTest
    @CsvSource({"gz,1", "gz,2", "zst,1"})
    void a_bomb_is_refused_by_its_ratio(String kind, int layers) throws IOException {
        var zeros = new Tar()
                .entry("zeros", TarConstants.LF_NORMAL, new byte[32 << 20])
                .tar();
        var bomb = zeros;
        for (int i = 0; i < layers; i++) {
            bomb = kind.equals("gz") ? gz(bomb) : zst(bomb);
        }
        var failure = refusal(bomb, new Limits(10, 1L << 40, 100, 16 << 20));
        assertThat(failure.reason()).isEqualTo("archive-too-large");
        assertThat(failure.message()).contains("100 times its " + bomb.length + " bytes");
        setUpAgain();
        Archives.unpack(temp.resolve("delta.tar.gz"), target, new Limits(10, 1L << 40, 100, 64 << 20));
        assertThat(target.resolve("zeros")).hasSize(32 << 20);
    }

    @Test
    void a_header_that_would_fill_the_memory_is_refused() throws IOException {
        var path = "200012 path=" + "n".repeat(199_999) + "\n";
        var pax = database().entry("PaxHeader", TarConstants.LF_PAX_EXTENDED_HEADER_LC, path.getBytes(UTF_8));
        assertThat(refusal(pax.file("x", "x").gz()).message()).contains("header that is too long");
        var gnu = database().entry("././@LongLink", TarConstants.LF_GNUTYPE_LONGNAME, path.getBytes(UTF_8));
        assertThat(refusal(gnu.file("x", "x").gz()).reason()).isEqualTo("archive-unsafe");
    }

    @Test
    void sparse_members_are_refused() throws IOException {
        var sparse = new Tar()
                .entry("sparse", TarConstants.LF_GNUTYPE_SPARSE, new byte[0])
                .gz();
        assertThat(refusal(sparse).reason()).isEqualTo("archive-unsafe");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "no archive at all", "SQLite format 3"})
    void what_is_no_archive_is_corrupt(String content) {
        assertThat(refusal(content.getBytes(UTF_8)).reason()).isEqualTo("archive-corrupt");
        var block = Arrays.copyOf(content.getBytes(UTF_8), 2048);
        assertThat(refusal(block).reason()).isEqualTo("archive-corrupt");
    }

    @Test
    void an_archive_cut_anywhere_is_corrupt() throws IOException {
        var random = new Random(1);
        var noise = new byte[5_000];
        random.nextBytes(noise);
        var whole = new Tar()
                .folder("./")
                .entry("./noise.bin", TarConstants.LF_NORMAL, noise)
                .file("./chroma.sqlite3", "x");
        var tar = whole.tar();
        for (var archive : List.of(gz(tar), zst(tar))) {
            for (int length = 0; length < archive.length; length += 1 + random.nextInt(300)) {
                assertThat(refusal(Arrays.copyOf(archive, length)).reason())
                        .as("cut to %d of %d", length, archive.length)
                        .isEqualTo("archive-corrupt");
            }
            assertThat(refusal(Arrays.copyOf(archive, archive.length - 1)).reason())
                    .isEqualTo("archive-corrupt");
        }
    }

    @Test
    void a_cut_in_a_member_names_it() throws IOException {
        var tar = database()
                .entry("noise.bin", TarConstants.LF_NORMAL, new byte[5_000])
                .tar();
        var failure = refusal(gz(Arrays.copyOf(tar, tar.length - 1024 - 2048)));
        assertThat(failure.reason()).isEqualTo("archive-corrupt");
        assertThat(failure.message()).contains("member noise.bin");
    }

    @Test
    void a_tar_without_its_end_was_cut_between_members() throws IOException {
        var tar = new Tar()
                .file("chroma.sqlite3", "x".repeat(512))
                .file("b", "y".repeat(512))
                .tar();
        assertThat(refusal(gz(Arrays.copyOf(tar, tar.length - 1024))).message()).contains("end mark");
    }

    @Test
    void a_flipped_bit_is_noticed_or_harmless_but_never_anything_else() throws IOException {
        var random = new Random(2);
        var noise = new byte[3_000];
        random.nextBytes(noise);
        var tar = database().entry("noise.bin", TarConstants.LF_NORMAL, noise).tar();
        for (var archive : List.of(gz(tar), zst(tar), tar)) {
            for (int i = 0; i < 400; i++) {
                var flipped = archive.clone();
                flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
                try {
                    Archives.unpack(Files.write(temp.resolve("delta.tar.gz"), flipped), target, Limits.DEFAULT);
                    setUpAgain();
                } catch (FailureException e) {
                    assertThat(e.failure().blame()).isEqualTo(Blame.INPUT);
                    assertThat(target).isEmptyDirectory();
                }
            }
        }
    }

    @Test
    void something_behind_the_end_is_refused() throws IOException {
        var both = new ByteArrayOutputStream();
        both.write(database().tar());
        both.write(new Tar().file("hidden", "x").tar());
        assertThat(refusal(gz(both.toByteArray())).reason()).isEqualTo("archive-corrupt");
    }

    @Test
    void a_folder_that_is_not_empty_is_left_as_it_is() throws IOException {
        var mine = Files.writeString(target.resolve("mine"), "x");
        var archive = Files.write(temp.resolve("delta.tar.gz"), database().gz());
        assertThatThrownBy(() -> Archives.unpack(archive, target, Limits.DEFAULT))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(mine).exists();
    }

    @Test
    void an_archive_that_is_not_there_is_no_fault_of_the_input() {
        var thrown = catchThrowableOfType(
                FailureException.class, () -> Archives.unpack(temp.resolve("none.tar.gz"), target, Limits.DEFAULT));
        assertThat(thrown.failure().blame()).isEqualTo(Blame.NODE);
    }

    @Test
    void the_database_is_at_the_top_or_one_level_below() throws IOException {
        unpack(database().gz());
        assertThat(Archives.databaseRoot(target)).isEqualTo(target);
        setUpAgain();
        unpack(new Tar().file("chroma/chroma.sqlite3", "x").file("readme", "x").gz());
        assertThat(Archives.databaseRoot(target)).isEqualTo(target.resolve("chroma"));
    }

    @Test
    void no_database_or_several_are_the_fault_of_the_input() throws IOException {
        unpack(new Tar().file("a/b/chroma.sqlite3", "x").gz());
        assertThat(catchThrowableOfType(FailureException.class, () -> Archives.databaseRoot(target))
                        .failure()
                        .reason())
                .isEqualTo("sqlite-missing");
        setUpAgain();
        unpack(new Tar()
                .file("a/chroma.sqlite3", "x")
                .file("b/chroma.sqlite3", "x")
                .gz());
        var failure = catchThrowableOfType(FailureException.class, () -> Archives.databaseRoot(target))
                .failure();
        assertThat(failure.reason()).isEqualTo("archive-ambiguous");
        assertThat(failure.message()).contains("a/chroma.sqlite3, b/chroma.sqlite3");
    }
}
