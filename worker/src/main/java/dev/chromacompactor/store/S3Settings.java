package dev.chromacompactor.store;

import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where S3 is and how it is addressed.
 *
 * @param region null: as the AWS SDK finds it (environment, profile, instance metadata)
 * @param endpoint null: AWS itself
 * @param pathStyle {@code http://host/bucket/key} instead of {@code http://bucket.host/key}
 */
public record S3Settings(@Nullable String region, @Nullable URI endpoint, boolean pathStyle) {
    /**
     * From the usual variables: {@code AWS_REGION}, {@code AWS_DEFAULT_REGION}, {@code AWS_ENDPOINT_URL_S3} before
     * {@code AWS_ENDPOINT_URL}, {@code COMPACTOR_S3_PATH_STYLE}. With an endpoint of one's own a region is only part
     * of the signature, so it may be missing.
     */
    public static S3Settings fromEnvironment(Map<String, String> environment) {
        var endpoint = text(environment, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
        var region = text(environment, "AWS_REGION", "AWS_DEFAULT_REGION");
        boolean forced = "true".equalsIgnoreCase(text(environment, "COMPACTOR_S3_PATH_STYLE"));
        if (endpoint == null) {
            return new S3Settings(region, null, forced);
        }
        return at(URI.create(endpoint), region == null ? "us-east-1" : region, forced);
    }

    /** A server at {@code endpoint}, path-style when that is a loopback address, which has no name for each bucket. */
    public static S3Settings at(URI endpoint, String region) {
        return at(endpoint, region, false);
    }

    private static S3Settings at(URI endpoint, String region, boolean forced) {
        return new S3Settings(region, endpoint, forced || isLoopback(endpoint.getHost()));
    }

    private static boolean isLoopback(@Nullable String host) {
        return host != null
                && (host.equals("localhost")
                        || host.endsWith(".localhost")
                        || host.matches("127\\.\\d+\\.\\d+\\.\\d+")
                        || host.equals("[::1]"));
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
