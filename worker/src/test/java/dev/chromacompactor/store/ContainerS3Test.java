package dev.chromacompactor.store;

import dev.chromacompactor.LocalStackImage;
import dev.chromacompactor.Service;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.localstack.LocalStackContainer;

@Testcontainers(disabledWithoutDocker = true)
class ContainerS3Test extends S3Contract {
    @Container
    private static final LocalStackContainer LOCALSTACK = LocalStackImage.container();

    @Override
    Service service() {
        return LocalStackImage.service(LOCALSTACK);
    }

    /** Each is 64 requests, and the other side is written in Python. */
    @Override
    int rounds() {
        return 40;
    }
}
