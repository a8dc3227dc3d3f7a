package dev.chromacompactor.queue;

import dev.chromacompactor.TestServers;
import java.net.URI;

class EmbeddedSqsTest extends SqsContract {
    @Override
    URI endpoint() {
        return TestServers.shared().sqsEndpoint();
    }

    @Override
    String region() {
        return TestServers.shared().region();
    }

    /** ElasticMQ takes any. */
    @Override
    boolean knowsTheTwelveHourLimit() {
        return false;
    }
}
