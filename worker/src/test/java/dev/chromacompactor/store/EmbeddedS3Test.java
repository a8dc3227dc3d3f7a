package dev.chromacompactor.store;

import dev.chromacompactor.Service;
import dev.chromacompactor.TestServers;

class EmbeddedS3Test extends S3Contract {
    @Override
    Service service() {
        return TestServers.s3();
    }
}
