package dev.chromacompactor.cli;

import dev.chromacompactor.embedded.EmbeddedServers;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "dev",
        description = {
            "Runs SQS and S3 in this process, with the queues and the bucket made, until Ctrl-C.",
            "No Docker, no cloud, nothing else to install; any credentials are accepted. What is stored is gone at the end."
        },
        footer = {
            "",
            "Examples:",
            "  compactor dev",
            "  compactor dev --port-sqs 9324 --port-s3 9000",
            "  compactor dev --json        one line of JSON when ready"
        })
final class DevCommand implements Callable<Integer> {
    @Option(names = "--port-sqs", paramLabel = "N", description = "Port of SQS; a free one unless named.")
    private int sqsPort;

    @Option(names = "--port-s3", paramLabel = "N", description = "Port of S3; a free one unless named.")
    private int s3Port;

    @Mixin
    private Output output = new Output();

    @Override
    public Integer call() throws InterruptedException {
        var stop = new CountDownLatch(1);
        var stopped = new CountDownLatch(1);
        try (EmbeddedServers servers = EmbeddedServers.start(sqsPort, s3Port)) {
            var set = servers.createStandardSet();
            Runtime.getRuntime()
                    .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> {
                        stop.countDown();
                        awaitQuietly(stopped);
                    }));
            var ready = new LinkedHashMap<String, String>();
            ready.put("sqs_endpoint", servers.sqsEndpoint().toString());
            ready.put("s3_endpoint", servers.s3Endpoint().toString());
            ready.put("region", servers.region());
            ready.put("queue_url", set.queueUrl());
            ready.put("dlq_url", set.dlqUrl());
            ready.put("bucket", set.bucket());
            output.result(ready, exports(environment(servers, set)));
            stop.await();
        } finally {
            stopped.countDown();
        }
        return 0;
    }

    /** What points every command, and the AWS SDKs of any language, at the embedded servers. */
    static Map<String, String> environment(EmbeddedServers servers, EmbeddedServers.StandardSet set) {
        var environment = new LinkedHashMap<String, String>();
        environment.put("AWS_ENDPOINT_URL_SQS", servers.sqsEndpoint().toString());
        environment.put("AWS_ENDPOINT_URL_S3", servers.s3Endpoint().toString());
        environment.put("AWS_REGION", servers.region());
        // The one of the two that Python's SDK reads.
        environment.put("AWS_DEFAULT_REGION", servers.region());
        environment.put("AWS_ACCESS_KEY_ID", "dev");
        environment.put("AWS_SECRET_ACCESS_KEY", "dev");
        environment.put("COMPACTOR_QUEUE_URL", set.queueUrl());
        environment.put("COMPACTOR_DLQ_URL", set.dlqUrl());
        environment.put("COMPACTOR_BUCKET", set.bucket());
        return environment;
    }

    private static String exports(Map<String, String> environment) {
        var text = new StringBuilder("SQS and S3 are ready; Ctrl-C stops them. In another terminal:\n");
        environment.forEach((name, value) ->
                text.append("\n  export ").append(name).append('=').append(value));
        return text.append("\n  compactor worker").toString();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
