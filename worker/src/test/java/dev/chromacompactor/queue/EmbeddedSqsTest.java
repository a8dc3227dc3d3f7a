package dev.chromacompactor.queue;

import dev.chromacompactor.Service;
import dev.chromacompactor.TestServers;

class EmbeddedSqsTest extends SqsContract {
    @Override
    Service service() {
        return TestServers.sqs();
    }
}
