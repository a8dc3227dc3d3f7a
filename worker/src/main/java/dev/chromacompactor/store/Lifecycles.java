package dev.chromacompactor.store;

import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ExpirationStatus;
import software.amazon.awssdk.services.s3.model.LifecycleRuleFilter;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.Transition;
import software.amazon.awssdk.services.s3.model.TransitionStorageClass;

/** Reads a bucket's lifecycle rules, as far as they make objects unreadable. */
final class Lifecycles {
    /** Objects in these must be restored before they can be read; that takes hours. */
    private static final Set<TransitionStorageClass> ARCHIVES =
            Set.of(TransitionStorageClass.GLACIER, TransitionStorageClass.DEEP_ARCHIVE);

    private Lifecycles() {}

    /** Empty too if the server knows no lifecycles. */
    static List<LifecycleRule> read(S3Client client, String bucket) {
        try {
            return client.getBucketLifecycleConfiguration(r -> r.bucket(bucket)).rules().stream()
                    .filter(rule -> rule.status() == ExpirationStatus.ENABLED)
                    .flatMap(rule -> end(rule).stream().mapToObj(days -> of(rule, days)))
                    .toList();
        } catch (S3Exception e) {
            boolean none = e.statusCode() == 404 && !"NoSuchBucket".equals(S3Errors.code(e));
            if (none || e.statusCode() == 501) {
                return List.of();
            }
            throw S3Errors.failure(doing(bucket), e);
        } catch (SdkException e) {
            throw S3Errors.failure(doing(bucket), e);
        }
    }

    private static String doing(String bucket) {
        return "read the lifecycle rules of s3://" + bucket;
    }

    /** Days until an object is gone or archived, whichever comes first. Older versions of objects are nobody's business here. */
    private static OptionalInt end(software.amazon.awssdk.services.s3.model.LifecycleRule rule) {
        var expiration = rule.expiration();
        IntStream expires =
                expiration == null ? IntStream.empty() : end(expiration.days(), expiration.date() != null).stream();
        IntStream archived = rule.transitions().stream()
                .filter(each -> ARCHIVES.contains(each.storageClass()))
                .flatMapToInt((Transition each) -> end(each.days(), each.date() != null).stream());
        return IntStream.concat(expires, archived).min();
    }

    private static OptionalInt end(@Nullable Integer days, boolean dated) {
        if (days != null) {
            return OptionalInt.of(days);
        }
        return dated ? OptionalInt.of(0) : OptionalInt.empty();
    }

    @SuppressWarnings("deprecation") // rules made before 2016 have their prefix outside of a filter
    private static LifecycleRule of(software.amazon.awssdk.services.s3.model.LifecycleRule rule, int days) {
        LifecycleRuleFilter filter = rule.filter();
        if (filter == null) {
            return new LifecycleRule(rule.id(), Objects.requireNonNullElse(rule.prefix(), ""), days, false);
        }
        var and = filter.and();
        String prefix = and == null ? filter.prefix() : and.prefix();
        boolean tagged = and == null
                ? filter.tag() != null
                : and.hasTags() && !and.tags().isEmpty();
        return new LifecycleRule(rule.id(), Objects.requireNonNullElse(prefix, ""), days, tagged);
    }
}
