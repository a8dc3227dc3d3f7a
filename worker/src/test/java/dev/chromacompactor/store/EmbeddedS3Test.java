package dev.chromacompactor.store;

import dev.chromacompactor.TestServers;
import java.net.URI;

class EmbeddedS3Test extends S3Contract {
    @Override
    URI endpoint() {
        return TestServers.shared().s3Endpoint();
    }

    @Override
    String region() {
        return TestServers.shared().region();
    }
}
