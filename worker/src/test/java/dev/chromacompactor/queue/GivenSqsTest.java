package dev.chromacompactor.queue;

import dev.chromacompactor.Service;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf(
        value = "dev.chromacompactor.Service#isSqsGiven",
        disabledReason =
                "neither CHROMA_TEST_SQS_ENDPOINT nor CHROMA_TEST_ENDPOINT is set; make test LOCALSTACK=1 sets it")
class GivenSqsTest extends SqsContract {
    @Override
    Service service() {
        return Service.givenSqs();
    }
}
