package dev.chromacompactor.cli;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.queue.Sqs;
import dev.chromacompactor.queue.SqsQueue;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.ObjectStore;
import dev.chromacompactor.store.S3ObjectStores;
import dev.chromacompactor.telemetry.Metrics;
import java.util.Map;

/** SQS and S3 as the environment says, for the length of one command. */
final class Connection implements AutoCloseable {
    private final Config config;
    private final S3ObjectStores stores;
    private final Sqs sqs;

    private Connection(Config config, S3ObjectStores stores, Sqs sqs) {
        this.config = config;
        this.stores = stores;
        this.sqs = sqs;
    }

    /**
     * @param required names of the variables that the command cannot do without
     * @throws ConfigException with all problems together
     */
    static Connection open(Map<String, String> environment, String... required) {
        return open(Config.from(environment, required));
    }

    static Connection open(Config config) {
        return new Connection(config, new S3ObjectStores(config.s3()), new Sqs(config.sqs()));
    }

    /** Counts what goes to S3 and comes from there. */
    static Connection open(Config config, Metrics metrics) {
        return new Connection(config, new S3ObjectStores(config.s3(), metrics), new Sqs(config.sqs()));
    }

    Config config() {
        return config;
    }

    S3ObjectStores stores() {
        return stores;
    }

    /** The configured bucket. */
    ObjectStore store() {
        return stores.bucket(config.requiredBucket());
    }

    SqsQueue queue() {
        return sqs.queue(config.requiredQueueUrl());
    }

    SqsQueue deadLetterQueue() {
        return sqs.queue(config.requiredDeadLetterQueueUrl());
    }

    SqsQueue queue(String url) {
        return sqs.queue(url);
    }

    SnapshotCatalog catalog(String database) {
        return new SnapshotCatalog(store(), database);
    }

    /** Splits {@code s3://bucket/key}. */
    static String[] bucketAndKey(String url) {
        String rest = url.substring("s3://".length());
        int slash = rest.indexOf('/');
        if (slash <= 0 || slash == rest.length() - 1) {
            throw FailureException.input("s3-url-invalid", url + ": expected s3://bucket/prefix/");
        }
        return new String[] {rest.substring(0, slash), rest.substring(slash + 1)};
    }

    @Override
    public void close() {
        sqs.close();
        stores.close();
    }
}
