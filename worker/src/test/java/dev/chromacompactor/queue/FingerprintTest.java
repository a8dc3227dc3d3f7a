package dev.chromacompactor.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import org.junit.jupiter.api.Test;

class FingerprintTest {
    private static String of(Blame blame, String reason, String message) {
        return Fingerprint.of(new Failure(blame, reason, message));
    }

    @Test
    void is_16_hexadecimal_digits_that_stay_the_same() {
        assertThat(of(Blame.INPUT, "sqlite-corrupt", "words/delta/a1/: page 3"))
                .matches("[0-9a-f]{16}")
                .isEqualTo(of(Blame.INPUT, "sqlite-corrupt", "words/delta/a1/: page 3"));
    }

    @Test
    void overlooks_times_ids_of_requests_and_local_folders() {
        assertThat(of(
                        Blame.INPUT,
                        "sqlite-corrupt",
                        "open /tmp/compactor/w-1/job-77/chroma.sqlite3 at 2026-11-24T01:02:03.5Z"
                                + " (0f8fad5b-d9cb-469f-a165-70867728950e)"))
                .isEqualTo(
                        of(
                                Blame.INPUT,
                                "sqlite-corrupt",
                                "open /scratch/w-2/chroma.sqlite3 at 2026-11-25T09:00:00Z (7c9e6679-7425-40de-944b-e07fc1f90ae7)"));
    }

    @Test
    void tells_inputs_sizes_reasons_and_blames_apart() {
        var one = of(Blame.INPUT, "size-mismatch", "s3://bkt/words/delta/a1/: 10 of 20 bytes");
        assertThat(one)
                .isNotEqualTo(of(Blame.INPUT, "size-mismatch", "s3://bkt/words/delta/a2/: 10 of 20 bytes"))
                .isNotEqualTo(of(Blame.INPUT, "size-mismatch", "s3://bkt/words/delta/a1/: 11 of 20 bytes"))
                .isNotEqualTo(of(Blame.INPUT, "checksum-mismatch", "s3://bkt/words/delta/a1/: 10 of 20 bytes"))
                .isNotEqualTo(of(Blame.NODE, "size-mismatch", "s3://bkt/words/delta/a1/: 10 of 20 bytes"));
    }

    @Test
    void is_the_same_for_a_doubtful_input_and_a_permanent_one() {
        assertThat(of(Blame.DOUBTFUL, "index-torn", "a1")).isEqualTo(of(Blame.INPUT, "index-torn", "a1"));
    }
}
