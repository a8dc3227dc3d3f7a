package dev.chromacompactor.store;

import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.telemetry.Traffic;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** Buckets on S3: standard retries, three attempts a call, except for conditional writes, which are sent once. */
public final class S3ObjectStores implements ObjectStores, AutoCloseable {
    private static final int ATTEMPTS = 3;
    private static final int CONNECTIONS = 128;

    private final SdkHttpClient http;
    private final S3Client client;
    private final S3Client once;

    /** With the credentials that the SDK finds: environment, profile, container or instance role. */
    public S3ObjectStores(S3Settings settings) {
        this(settings, DefaultCredentialsProvider.builder().build());
    }

    /** The same, and tells of every request. */
    public S3ObjectStores(S3Settings settings, Metrics metrics) {
        this(settings, DefaultCredentialsProvider.builder().build(), metrics);
    }

    S3ObjectStores(S3Settings settings, AwsCredentialsProvider credentials, Metrics metrics) {
        this(settings, credentials, options -> options.addExecutionInterceptor(new Counting(metrics)));
    }

    public S3ObjectStores(S3Settings settings, AwsCredentialsProvider credentials) {
        this(settings, credentials, _ -> {});
    }

    private S3ObjectStores(
            S3Settings settings,
            AwsCredentialsProvider credentials,
            Consumer<ClientOverrideConfiguration.Builder> more) {
        this.http = Apache5HttpClient.builder()
                .maxConnections(CONNECTIONS)
                .connectionTimeout(Duration.ofSeconds(5))
                .socketTimeout(Duration.ofSeconds(30))
                .build();
        this.client = client(settings, credentials, more, ATTEMPTS);
        this.once = client(settings, credentials, more, 1);
    }

    private S3Client client(
            S3Settings settings,
            AwsCredentialsProvider credentials,
            Consumer<ClientOverrideConfiguration.Builder> more,
            int attempts) {
        var retries = AwsRetryStrategy.standardRetryStrategy().toBuilder()
                .maxAttempts(attempts)
                .build();
        var builder = S3Client.builder()
                .httpClient(http)
                .credentialsProvider(credentials)
                .forcePathStyle(settings.pathStyle())
                .overrideConfiguration(options -> more.accept(options.retryStrategy(retries)));
        if (settings.endpoint() != null) {
            builder.endpointOverride(settings.endpoint());
        }
        if (settings.region() != null) {
            builder.region(Region.of(settings.region()));
        }
        return builder.build();
    }

    @Override
    public ObjectStore bucket(String name) {
        return new S3ObjectStore(client, once, name);
    }

    /**
     * By which rules S3 itself takes objects of a bucket away; empty too where there is no such thing as a lifecycle.
     *
     * @throws dev.chromacompactor.failure.FailureException {@code DEPENDENCY s3-access-denied} without s3:GetLifecycleConfiguration
     */
    public List<LifecycleRule> lifecycle(String bucket) {
        return Lifecycles.read(client, bucket);
    }

    @Override
    public ObjectStores counting(Traffic traffic) {
        S3Client counted = Counting.into(traffic, client);
        S3Client countedOnce = Counting.into(traffic, once);
        return name -> new S3ObjectStore(counted, countedOnce, name);
    }

    @Override
    public void close() {
        once.close();
        client.close();
        http.close();
    }
}
