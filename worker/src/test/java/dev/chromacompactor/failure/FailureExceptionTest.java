package dev.chromacompactor.failure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FailureExceptionTest {
    @Test
    void a_full_disk_is_told_from_one_that_fails() {
        assertThat(disk(new IOException("No space left on device"))).isEqualTo("disk-full");
        assertThat(disk(new FileSystemException("/scratch/a", null, "Disk quota exceeded")))
                .isEqualTo("disk-full");
        assertThat(disk(new NoSuchFileException("/scratch/a"))).isEqualTo("disk-failed");
        assertThat(disk(new IOException())).isEqualTo("disk-failed");
    }

    private static String disk(IOException e) {
        var failure = FailureException.disk("write /scratch/a", e).failure();
        assertThat(failure.blame()).isEqualTo(Blame.NODE);
        assertThat(failure.message()).startsWith("write /scratch/a: ");
        return failure.reason();
    }
}
