package dev.chromacompactor.store;

import dev.chromacompactor.Service;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf(
        value = "dev.chromacompactor.Service#isS3Given",
        disabledReason =
                "neither CHROMA_TEST_S3_ENDPOINT nor CHROMA_TEST_ENDPOINT is set; make test LOCALSTACK=1 sets it")
class GivenS3Test extends S3Contract {
    @Override
    Service service() {
        return Service.givenS3();
    }

    /** Each is 64 requests, and the other side is a process in Python or beyond a network. */
    @Override
    int rounds() {
        return 40;
    }
}
