package dev.chromacompactor.queue;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * What makes two failures the same: whose fault, reason, and the message without what differs from one run to the next (times,
 * UUIDs, folders of this machine). Sizes and checksums stay: a damage in transit differs each time, one in the bucket does not.
 */
final class Fingerprint {
    private static final Pattern VOLATILE = Pattern.compile(
            "\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z?" // a time
                    + "|\\b\\p{XDigit}{8}(-\\p{XDigit}{4}){3}-\\p{XDigit}{12}\\b" // a UUID
                    + "|(?<![\\w/:])/(?:[^\\s/]+/)+"); // an absolute folder

    private Fingerprint() {}

    /** 16 hexadecimal digits. */
    static String of(Failure failure) {
        var blame = failure.blame() == Blame.DOUBTFUL ? Blame.INPUT : failure.blame();
        var normal = VOLATILE.matcher(failure.message()).replaceAll("").strip().replaceAll("\\s+", " ");
        return HexFormat.of().formatHex(sha256(blame.label() + '\n' + failure.reason() + '\n' + normal), 0, 8);
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
