package dev.chromacompactor.store;

import java.time.Duration;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
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

    public S3ObjectStores(S3Settings settings, AwsCredentialsProvider credentials) {
        this.http = Apache5HttpClient.builder()
                .maxConnections(CONNECTIONS)
                .connectionTimeout(Duration.ofSeconds(5))
                .socketTimeout(Duration.ofSeconds(30))
                .build();
        this.client = client(settings, credentials, ATTEMPTS);
        this.once = client(settings, credentials, 1);
    }

    private S3Client client(S3Settings settings, AwsCredentialsProvider credentials, int attempts) {
        var retries = AwsRetryStrategy.standardRetryStrategy().toBuilder()
                .maxAttempts(attempts)
                .build();
        var builder = S3Client.builder()
                .httpClient(http)
                .credentialsProvider(credentials)
                .forcePathStyle(settings.pathStyle())
                .overrideConfiguration(o -> o.retryStrategy(retries));
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

    @Override
    public void close() {
        once.close();
        client.close();
        http.close();
    }
}
