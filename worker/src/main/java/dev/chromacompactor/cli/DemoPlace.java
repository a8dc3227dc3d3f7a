package dev.chromacompactor.cli;

import dev.chromacompactor.embedded.EmbeddedServers;
import dev.chromacompactor.embedded.TemporarySet;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.FailureException;
import java.net.URI;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;

/**
 * SQS and S3 for one demo, with queues and a bucket that nobody else uses and that {@link #close} removes. Credentials are
 * those that the SDK finds.
 *
 * @param description for people
 * @param environment what a worker needs to find it
 */
record DemoPlace(String description, Map<String, String> environment, Runnable end) implements AutoCloseable {
    /** Inside this process. */
    static DemoPlace here() {
        var servers = EmbeddedServers.start(0, 0);
        return new DemoPlace(
                "SQS at " + servers.sqsEndpoint() + ", S3 at " + servers.s3Endpoint(),
                DevCommand.environment(servers, servers.createStandardSet()),
                servers::close);
    }

    /**
     * On something that speaks both and runs already, such as LocalStack.
     *
     * @throws FailureException {@code demo-place-refused} if it does not answer, or lets nothing be made
     */
    static DemoPlace at(URI endpoint, String region) {
        var set = new TemporarySet(
                endpoint, region, DefaultCredentialsProvider.builder().build(), "compactor-demo-");
        try {
            var made = set.make();
            return new DemoPlace(
                    "queue and bucket " + made.bucket(),
                    Map.of(
                            "AWS_ENDPOINT_URL",
                            endpoint.toString(),
                            "AWS_REGION",
                            region,
                            "COMPACTOR_S3_PATH_STYLE",
                            "true",
                            Config.QUEUE_URL,
                            made.queueUrl(),
                            Config.DLQ_URL,
                            made.dlqUrl(),
                            Config.BUCKET,
                            made.bucket()),
                    set::close);
        } catch (SdkException e) {
            var failure = new FailureException(
                    Blame.DEPENDENCY,
                    "demo-place-refused",
                    "make queues and a bucket at " + endpoint + ": " + e.getMessage(),
                    e);
            try {
                set.close();
            } catch (SdkException again) {
                failure.addSuppressed(again);
            }
            throw failure;
        }
    }

    @Override
    public void close() {
        end.run();
    }
}
