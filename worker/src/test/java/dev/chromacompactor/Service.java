package dev.chromacompactor;

import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;

/**
 * Where tests find SQS or S3, and what to expect of it.
 *
 * <p>One that runs already is named by the environment: {@code CHROMA_TEST_ENDPOINT}, or {@code CHROMA_TEST_S3_ENDPOINT} and
 * {@code CHROMA_TEST_SQS_ENDPOINT} for one of the two alone; {@code CHROMA_TEST_REGION} (us-east-1);
 * {@code CHROMA_TEST_BACKEND}: {@code localstack}, or {@code aws} for one that is held to everything. Credentials are
 * those that the SDK finds if {@code AWS_ACCESS_KEY_ID} or {@code AWS_PROFILE} is set, otherwise test and test.
 */
public record Service(URI endpoint, String region, AwsCredentialsProvider credentials, Set<Deviation> deviations) {
    private static final Map<String, String> ENVIRONMENT = System.getenv();

    public boolean deviates(Deviation deviation) {
        return deviations.contains(deviation);
    }

    /** For {@code EnabledIf}. */
    public static boolean isS3Given() {
        return isGiven("CHROMA_TEST_S3_ENDPOINT");
    }

    /** For {@code EnabledIf}. */
    public static boolean isSqsGiven() {
        return isGiven("CHROMA_TEST_SQS_ENDPOINT");
    }

    /** For {@code EnabledIf}: one for both. */
    public static boolean isGiven() {
        return isGiven("CHROMA_TEST_ENDPOINT");
    }

    /** @throws IllegalStateException if it is not, though {@code make test LOCALSTACK=1} promised it: no reason to skip */
    private static boolean isGiven(String name) {
        if (endpoint(name) == null && ENVIRONMENT.containsKey("LOCALSTACK")) {
            throw new IllegalStateException("LOCALSTACK is set, and neither " + name + " nor CHROMA_TEST_ENDPOINT is");
        }
        return endpoint(name) != null;
    }

    public static Service givenS3() {
        return given("CHROMA_TEST_S3_ENDPOINT");
    }

    public static Service givenSqs() {
        return given("CHROMA_TEST_SQS_ENDPOINT");
    }

    /** One for both. */
    public static Service given() {
        return given("CHROMA_TEST_ENDPOINT");
    }

    private static Service given(String name) {
        var endpoint = Optional.ofNullable(endpoint(name)).orElseThrow();
        return new Service(
                URI.create(endpoint),
                ENVIRONMENT.getOrDefault("CHROMA_TEST_REGION", "us-east-1"),
                ENVIRONMENT.containsKey("AWS_ACCESS_KEY_ID") || ENVIRONMENT.containsKey("AWS_PROFILE")
                        ? DefaultCredentialsProvider.builder().build()
                        : TestServers.CREDENTIALS,
                deviationsOf(ENVIRONMENT.getOrDefault("CHROMA_TEST_BACKEND", "aws")));
    }

    private static Set<Deviation> deviationsOf(String backend) {
        return switch (backend) {
            case "aws" -> Deviation.OF_AWS;
            case "localstack" -> Deviation.OF_LOCALSTACK;
            default ->
                throw new IllegalArgumentException("CHROMA_TEST_BACKEND=" + backend + ": neither aws nor localstack");
        };
    }

    private static @Nullable String endpoint(String name) {
        return ENVIRONMENT.getOrDefault(name, ENVIRONMENT.get("CHROMA_TEST_ENDPOINT"));
    }
}
