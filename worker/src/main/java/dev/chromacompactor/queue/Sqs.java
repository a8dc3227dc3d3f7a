package dev.chromacompactor.queue;

import java.time.Duration;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

/** One connection pool to SQS; its queues stay usable until it is closed. */
public final class Sqs implements AutoCloseable {
    /** A long poll answers after 20 s at the latest; the socket waits longer. */
    private static final Duration READ_TIMEOUT = SqsQueue.LONG_POLL.plusSeconds(10);
    /** More than any sensible number of jobs, each with its heartbeat. */
    private static final int CONNECTIONS = 128;

    private final SqsClient client;

    /** With the credentials that the SDK finds: environment, profile, container or instance role. */
    public Sqs(SqsSettings settings) {
        this(settings, DefaultCredentialsProvider.builder().build());
    }

    public Sqs(SqsSettings settings, AwsCredentialsProvider credentials) {
        var builder = SqsClient.builder()
                .credentialsProvider(credentials)
                .httpClientBuilder(Apache5HttpClient.builder()
                        .maxConnections(CONNECTIONS)
                        .connectionTimeout(Duration.ofSeconds(5))
                        .socketTimeout(READ_TIMEOUT))
                .overrideConfiguration(configuration ->
                        // Standard mode: three attempts, with the SDK's own pauses and retry quota.
                        configuration.retryStrategy(AwsRetryStrategy.forRetryMode(RetryMode.STANDARD)));
        if (settings.region() != null) {
            builder.region(Region.of(settings.region()));
        }
        if (settings.endpoint() != null) {
            builder.endpointOverride(settings.endpoint());
        }
        client = builder.build();
    }

    public SqsQueue queue(String url) {
        return new SqsQueue(client, url);
    }

    @Override
    public void close() {
        client.close();
    }
}
