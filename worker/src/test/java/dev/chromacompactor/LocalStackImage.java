package dev.chromacompactor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.testcontainers.localstack.LocalStackContainer;
import org.testcontainers.utility.DockerImageName;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** LocalStack in a container of the image that {@code localstack/compose.yaml} names. */
public final class LocalStackImage {
    private static final Path COMPOSE = Path.of("..", "localstack", "compose.yaml");

    private LocalStackImage() {}

    public static LocalStackContainer container() {
        return new LocalStackContainer(DockerImageName.parse(name())).withEnv("DISABLE_EVENTS", "1");
    }

    public static Service service(LocalStackContainer container) {
        return new Service(
                container.getEndpoint(),
                container.getRegion(),
                StaticCredentialsProvider.create(
                        AwsBasicCredentials.create(container.getAccessKey(), container.getSecretKey())),
                Deviation.OF_LOCALSTACK);
    }

    static String name() {
        try {
            var image = Pattern.compile("^ *image: (\\S+)$", Pattern.MULTILINE).matcher(Files.readString(COMPOSE));
            if (!image.find()) {
                throw new IllegalStateException(COMPOSE + " names no image");
            }
            return image.group(1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
