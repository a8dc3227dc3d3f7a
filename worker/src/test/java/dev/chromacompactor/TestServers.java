package dev.chromacompactor;

import dev.chromacompactor.embedded.EmbeddedServers;
import java.net.URI;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** Embedded SQS and S3, started once per JVM by the first test that asks. Tests keep apart by names of their own. */
public final class TestServers {
    public static final AwsCredentialsProvider CREDENTIALS =
            StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));

    private TestServers() {}

    public static EmbeddedServers shared() {
        return Shared.SERVERS;
    }

    public static Service sqs() {
        return service(shared().sqsEndpoint());
    }

    public static Service s3() {
        return service(shared().s3Endpoint());
    }

    private static Service service(URI endpoint) {
        return new Service(endpoint, shared().region(), CREDENTIALS, Deviation.OF_THE_EMBEDDED);
    }

    private static final class Shared {
        static final EmbeddedServers SERVERS = EmbeddedServers.start(0, 0);

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(SERVERS::close, "stop-test-servers"));
        }
    }
}
