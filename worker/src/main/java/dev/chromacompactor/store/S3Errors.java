package dev.chromacompactor.store;

import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.store.PutOutcome.Lost;
import dev.chromacompactor.store.PutOutcome.Unknown;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** What an answer of S3 that is no success means. */
final class S3Errors {
    private static final Set<String> CREDENTIAL_CODES =
            Set.of("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestExpired");
    private static final Set<String> REGION_CODES =
            Set.of("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException");
    private static final Set<String> THROTTLE_CODES = Set.of("SlowDown", "Throttling", "ThrottlingException");

    private S3Errors() {}

    static FailureException failure(String doing, SdkException e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof FailureException ours) {
                return ours;
            }
            if (String.valueOf(t.getMessage()).contains("different checksum than expected")) {
                return new FailureException(
                        Blame.DOUBTFUL, "download-corrupt", doing + ": the checksum does not match", e);
            }
        }
        if (e instanceof AbortedException) {
            return new FailureException(Blame.NODE, "interrupted", doing + ": interrupted", e);
        }
        return new FailureException(Blame.DEPENDENCY, reason(e), doing + ": " + text(e), e);
    }

    /**
     * The outcome of a conditional write that was tried exactly once. Answers that prove that nothing was written for
     * another reason than the condition (no permission, no bucket, a malformed request) are thrown.
     */
    static PutOutcome outcome(String doing, SdkException e, boolean ifMatch) {
        if (!(e instanceof S3Exception s3)) {
            return new Unknown(text(e)); // timeout, reset, broken pipe: it may have arrived, or may still arrive
        }
        int status = s3.statusCode();
        var code = code(s3);
        if (status == 412) {
            return new Lost();
        }
        if (status == 404 && ifMatch && !"NoSuchBucket".equals(code)) {
            return new Lost();
        }
        // 404 NoSuchUpload: an earlier try of somebody's may have completed it.
        // Below 300: an error in the body of a 200, which CompleteMultipartUpload is allowed.
        boolean undecided = status == 409 || status == 429 || status == 408 || status >= 500 || status < 300;
        if (undecided || "NoSuchUpload".equals(code) || "RequestTimeout".equals(code)) {
            return new Unknown(text(e));
        }
        throw failure(doing, e);
    }

    static boolean isMissing(S3Exception e) {
        return e.statusCode() == 404 && !"NoSuchBucket".equals(code(e));
    }

    private static String reason(SdkException e) {
        if (!(e instanceof S3Exception s3)) {
            boolean anonymous = String.valueOf(e.getMessage()).startsWith("Unable to load credentials");
            return anonymous ? "credentials-missing" : "s3-unreachable";
        }
        int status = s3.statusCode();
        var code = code(s3);
        if ("NoSuchBucket".equals(code)) {
            return "s3-bucket-missing";
        }
        if (REGION_CODES.contains(code) || status == 301) {
            return "s3-wrong-region";
        }
        if (status == 401 || status == 403 || CREDENTIAL_CODES.contains(code)) {
            return "s3-access-denied";
        }
        if (status == 429 || THROTTLE_CODES.contains(code) || s3.isThrottlingException()) {
            return "s3-throttled";
        }
        return status >= 500 || status < 300 ? "s3-server-error" : "s3-refused";
    }

    private static String text(SdkException e) {
        if (e instanceof S3Exception s3) {
            return s3.statusCode() + " " + code(s3);
        }
        Throwable root = e.getCause();
        while (root != null && root.getCause() != null) {
            root = root.getCause();
        }
        return root == null ? String.valueOf(e.getMessage()) : e.getMessage() + " (" + root + ")";
    }

    static String code(S3Exception e) {
        var details = e.awsErrorDetails();
        @Nullable String code = details == null ? null : details.errorCode();
        return code == null ? "" : code;
    }
}
