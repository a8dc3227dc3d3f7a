package dev.chromacompactor;

import dev.chromacompactor.embedded.EmbeddedServers;
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

    private static final class Shared {
        static final EmbeddedServers SERVERS = EmbeddedServers.start(0, 0);

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(SERVERS::close, "stop-test-servers"));
        }
    }
}
