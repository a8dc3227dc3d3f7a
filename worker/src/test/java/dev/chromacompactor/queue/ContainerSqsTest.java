package dev.chromacompactor.queue;

import dev.chromacompactor.LocalStackImage;
import dev.chromacompactor.Service;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.localstack.LocalStackContainer;

@Testcontainers(disabledWithoutDocker = true)
class ContainerSqsTest extends SqsContract {
    @Container
    private static final LocalStackContainer LOCALSTACK = LocalStackImage.container();

    @Override
    Service service() {
        return LocalStackImage.service(LOCALSTACK);
    }
}
