package dev.chromacompactor.queue;

import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where SQS is.
 *
 * @param region null: as the AWS SDK finds it (environment, profile, instance metadata)
 * @param endpoint null: AWS itself
 */
public record SqsSettings(@Nullable String region, @Nullable URI endpoint) {
    /**
     * From the usual variables: {@code AWS_REGION}, {@code AWS_DEFAULT_REGION}, {@code AWS_ENDPOINT_URL_SQS} before
     * {@code AWS_ENDPOINT_URL}. With an endpoint of one's own a region is only part of the signature, so it may be missing.
     */
    public static SqsSettings fromEnvironment(Map<String, String> environment) {
        var endpoint = text(environment, "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL");
        var region = text(environment, "AWS_REGION", "AWS_DEFAULT_REGION");
        return endpoint == null
                ? new SqsSettings(region, null)
                : new SqsSettings(region == null ? "us-east-1" : region, URI.create(endpoint));
    }

    private static @Nullable String text(Map<String, String> environment, String... names) {
        for (var name : names) {
            var value = environment.get(name);
            if (value != null && !value.isBlank()) {
                return value.strip();
            }
        }
        return null;
    }
}
