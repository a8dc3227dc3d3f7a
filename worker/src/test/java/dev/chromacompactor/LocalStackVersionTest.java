package dev.chromacompactor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class LocalStackVersionTest {
    @Test
    void with_docker_and_without_it_is_the_same() throws IOException {
        var version = LocalStackImage.name().replaceFirst("^localstack/localstack:", "");

        assertThat(version).matches("4\\.\\d+\\.\\d+");
        assertThat(Path.of("..", "localstack", "requirements.txt"))
                .content()
                .contains("\nlocalstack-core==" + version + "\n");
        assertThat(Files.readString(Path.of("..", "localstack", "host.py"))).contains("LocalStack " + version);
    }
}
